"""Real worker processes, real faults."""

from __future__ import annotations

import pytest
from foresight_harness.running.engines import driver
from foresight_harness.running.engines.workers import threads_of

pytestmark = pytest.mark.usefixtures("few_pictures")


@pytest.mark.slow
def test_faults_of_plugins_are_results_and_the_rest_is_scored(
    faulty, carried_out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "GRACE_S", 1.0)
    monkeypatch.setattr(driver, "RETRIES", 1)
    names = ["hangs_tiny", "exits_tiny", "leaks_tiny", "raises_tiny", "sound_tiny"]
    keeper, said = carried_out(faulty, names, engine="local:2", cell_timeout=600.0, worker_memory_gib=1.6)
    assert said.pop("sound_tiny") == "ok"
    assert (
        said["hangs_tiny"] == "the cell took longer than --cell-timeout 600 s; allow more, or leave its candidate out"
    )
    ended = (
        "the worker process ended with exit code 3, 2 times in this cell; run it alone with --engine local to see why"
    )
    assert said["exits_tiny"] == ended
    assert said["leaks_tiny"].startswith("the worker grew to ")
    raised = "plugin 'faulty', encode of encoder 'raises_tiny': ValueError: this encoder always fails"
    assert said["raises_tiny"] == raised
    status = {line.candidate.partition("@")[0]: line.status for line in keeper.folder.records()}
    assert status == {
        "hangs_tiny": "failed",
        "exits_tiny": "failed",
        "leaks_tiny": "oom",
        "raises_tiny": "failed",
        "sound_tiny": "ok",
    }
    assert (keeper.counts["ok"], keeper.counts["failed"], keeper.counts["oom"]) == (1, 3, 1)


@pytest.mark.parametrize(
    ("asked", "cores", "workers", "threads"),
    [
        (None, 8, 2, 4),
        (None, 2, 4, 1),
        ("1", 8, 2, 1),
        ("2", 2, 2, 1),
        ("16", 8, 2, 4),
        ("", 8, 2, 4),
        ("2,1", 8, 2, 4),
    ],
)
def test_workers_have_no_more_threads_together_than_there_are_cores(
    asked: str | None, cores: int, workers: int, threads: int
) -> None:
    assert threads_of(asked, cores, workers) == threads
