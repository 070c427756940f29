"""The process that keeps a run is killed at seeded moments, and the run is resumed."""

from __future__ import annotations

import json
import multiprocessing
import random
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from foresight_harness.contracts.records import Record
from foresight_harness.running.run_folder.digests import run_digests
from foresight_harness.running.run_folder.record_file import read_records

HERE = Path(__file__).parent
KILLS = 2
WAIT_S = 1200.0
FEW = {"train": 16, "test": 8, "pictures": 2, "steps": 2, "batch": 8, "permutations": 2, "resamples": 50}


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch):
    """Starts the run in a fresh process, forked from one that has already imported torch."""
    monkeypatch.syspath_prepend(str(HERE))
    from killable_run import carry_out

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["foresight_harness.running.keeper", "foresight_harness.running.engines.engines"])

    def start(folder: Path, resume: bool, death: tuple[int, float] | None = None) -> BaseProcess:
        process = context.Process(target=carry_out, args=(str(folder), FEW, resume, death))
        process.start()
        return process

    return start


def lines_of(folder: Path) -> list[Record]:
    """Whole record lines of the only run below a folder."""
    found = [path for path in folder.glob("runs/*/records.jsonl") if not path.parent.is_symlink()]
    return read_records(found[0]) if found else []


def test_a_run_whose_driver_is_killed_twice_ends_with_the_records_of_an_undisturbed_one(launch, tmp_path: Path) -> None:
    calm, torn = tmp_path / "calm", tmp_path / "torn"
    process = launch(calm, resume=False)
    process.join(WAIT_S)
    assert process.exitcode == 0
    whole = lines_of(calm)
    moments = random.Random(8)
    for life in range(KILLS):
        early = len(whole) // 2
        at = moments.randrange(early * life // KILLS, early * (life + 1) // KILLS)
        process = launch(torn, resume=life > 0, death=(at, moments.uniform(0, 0.05)))
        process.join(WAIT_S)
        assert process.exitcode == -9
    left = {(line.cell, line.metric): line for line in lines_of(torn)}
    process = launch(torn, resume=True)
    process.join(WAIT_S)
    assert process.exitcode == 0
    ended = lines_of(torn)
    assert run_digests(ended) == run_digests(whole)
    assert len(ended) == len(whole)
    by_cell = {line.cell: line.of_cell for line in left.values()}
    kept = {cell for cell, size in by_cell.items() if sum(name == cell for name, _ in left) == size}
    redone = [line for line in ended if line.cell in kept and line.wall_s != left[line.cell, line.metric].wall_s]
    assert kept
    assert redone == []
    (run,) = [path for path in torn.glob("runs/*") if path.is_dir() and not path.is_symlink()]
    assert json.loads((run / "run.json").read_text())["status"] == "complete"
