"""One plan on every engine: equal records, though a worker is killed in the middle of a unit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from foresight_harness.contracts.identity import cell_id
from foresight_harness.running.engines.engines import InProcess, engine_for
from foresight_harness.running.engines.units import cell_key
from foresight_harness.running.run_folder.digests import run_digests

pytestmark = [pytest.mark.usefixtures("few_pictures"), pytest.mark.slow]

QUIET = {"include_dashboard": False, "log_to_driver": False, "configure_logging": False}


@pytest.fixture
def cluster(faulty, request: pytest.FixtureRequest) -> Iterator[None]:
    """A Ray cluster of two workers on this machine, started after the plugins of the test can be seen."""
    if not request.getfixturevalue("engine").startswith("ray"):
        yield
        return
    ray = pytest.importorskip("ray")
    for left in (2, 1, 0):
        try:
            ray.init(address="local", num_cpus=2, object_store_memory=80 * 2**20, **QUIET)
            break
        except Exception:  # Ray waits half a minute for its own processes, which a busy machine may not start in time
            ray.shutdown()
            if not left:
                raise
    yield
    ray.shutdown()


@pytest.mark.parametrize("engine", ["local:2", "ray:2"])
def test_workers_and_this_process_write_equal_records_though_a_worker_is_killed(
    engine: str, faulty, carried_out, cluster: None, tmp_path: Path, one_thread: None
) -> None:
    here, _ = carried_out(faulty, ["sound_tiny"], suite="spatial", cache=tmp_path / "one")
    there, said = carried_out(
        faulty, ["sound_tiny", "dies_once_tiny"], suite="spatial", engine=engine, cache=tmp_path / "two"
    )
    assert said == {"sound_tiny": "ok", "dies_once_tiny": "ok"}
    assert (tmp_path / "died").exists()
    alone = run_digests(here.folder.records())
    pooled = run_digests(line for line in there.folder.records() if not line.candidate.startswith("dies_once"))
    assert pooled == alone
    assert len(alone) > 20
    attempts = sorted(path.name.partition(".")[2] for path in (there.folder.path / "work").iterdir())
    assert attempts == ["0.jsonl", "0.jsonl", "1.jsonl"]  # one unit an encoder, and one of them once more
    assert there.controls() == here.controls()
    manifest = json.loads((there.folder.path / "run.json").read_text())
    assert {line.protocol for line in there.folder.records()} <= set(manifest["protocols"])
    assert manifest["extraction"]["pictures_forwarded"]["sound_tiny"] == 24 + 16


def test_a_run_that_has_everything_needs_no_workers_and_no_cluster(make_keeper, builtins, planned) -> None:
    keeper = make_keeper(engine="ray:8")
    keeper.plan([planned(builtins, "oracle@mask/identity/single/linear", "alignment")])
    keeper.done.update(cell_id(*cell_key(cell)) for cell in keeper.planned)
    assert isinstance(engine_for(keeper, keeper.planned), InProcess)
