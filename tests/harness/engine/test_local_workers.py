"""Real worker processes, real faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from foresight_harness.engine import driver
from foresight_harness.run.digests import run_digests

pytestmark = pytest.mark.usefixtures("few_pictures")


@pytest.mark.slow
def test_faults_of_plugins_are_results_and_the_rest_is_scored(
    faulty, carried_out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "GRACE_S", 1.0)
    monkeypatch.setattr(driver, "RETRIES", 1)
    names = ["hangs_tiny", "exits_tiny", "leaks_tiny", "raises_tiny", "sound_tiny"]
    bench, said = carried_out(faulty, names, engine="local:2", cell_timeout=20.0, worker_memory_gib=1.6)
    assert said.pop("sound_tiny") == "ok"
    assert said["hangs_tiny"] == "the cell took longer than --cell-timeout 20 s"
    assert (
        said["exits_tiny"] == "the worker process ended with exit code 3, 2 times in this cell; it is not tried again"
    )
    assert said["leaks_tiny"].startswith("the worker grew to ")
    assert said["raises_tiny"] == "ValueError: this encoder always fails"
    status = {line["candidate"].partition("@")[0]: line["status"] for line in bench.folder.records()}
    assert status == {
        "hangs_tiny": "failed",
        "exits_tiny": "failed",
        "leaks_tiny": "oom",
        "raises_tiny": "failed",
        "sound_tiny": "ok",
    }
    assert (bench.counts["ok"], bench.counts["failed"], bench.counts["oom"]) == (1, 3, 1)


@pytest.mark.slow
def test_workers_and_this_process_write_equal_records_though_a_worker_is_killed(
    faulty, carried_out, tmp_path: Path, one_thread: None
) -> None:
    here, _ = carried_out(faulty, ["sound_tiny"], suite="spatial", cache=tmp_path / "one")
    there, said = carried_out(
        faulty, ["sound_tiny", "dies_once_tiny"], suite="spatial", engine="local:2", cache=tmp_path / "two"
    )
    assert said == {"sound_tiny": "ok", "dies_once_tiny": "ok"}
    assert (tmp_path / "died").exists()
    alone = run_digests(here.folder.records())
    pooled = run_digests(line for line in there.folder.records() if not line["candidate"].startswith("dies_once"))
    assert pooled == alone
    assert len(alone) > 20
    manifest = json.loads((there.folder.path / "run.json").read_text())
    assert {line["protocol"] for line in there.folder.records()} <= set(manifest["protocols"])
    assert manifest["extraction"]["pictures_forwarded"]["sound_tiny"] == 24 + 16
