"""One search on every engine, killed in its first rung: the same rungs, records and candidates as in one process."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.running.run_folder.digests import run_digests
from foresight_harness.running.run_folder.record_file import read_records

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
MATRIX = """
suites = ["spatial"]
datasets = ["shapes"]
[[search.rung]]
kind = "steps"
steps = 4
keep = 3
[[search.rung]]
kind = "steps"
steps = 8
keep = 2
[[group]]
streams = ["pixels_tiny@patch", "colours_tiny@patch"]
enhancers = ["identity", "sem_coord"]
"""
QUICK = ("-q", "-p", "no:cacheprovider", "--import-mode=importlib", "--no-spot-check", "--no-twins")
SIZES = ("--train-size", "32", "--picture-px", "64", "--steps", "16", "--seeds", "2")
RUNGS = ("search/1_steps", "search/2_steps", ".")
WAIT_S = 1200.0
Session = Callable[..., int | None]


@pytest.fixture
def environment(plugin_module: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of sessions and their workers: the two encoders are installed."""
    folder = plugin_module("searched", (HERE / "searched_encoders.py").read_text(encoding="utf-8"))
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    return {name: os.environ[name] for name in ("OMP_NUM_THREADS", "PYTHONPATH")}


@pytest.fixture
def address(environment: dict[str, str], engine: str) -> Iterator[dict[str, str]]:
    """Where sessions find a Ray cluster of two workers on this machine, for the engine that wants one."""
    if not engine.startswith("ray"):
        yield {}
        return
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 2, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    yield {"RAY_ADDRESS": str(cluster.address)}
    cluster.shutdown()


@pytest.fixture
def session(environment: dict[str, str]) -> Session:
    """A search in a folder, in a process forked from one that has imported torch. Returns its exit code."""
    from searching_session import carry_out

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["foresight_harness.running.keeper", "foresight_harness.running.engines.engines"])

    def run(folder: Path, *more: str, dies: bool = False, place: dict[str, str] | None = None) -> int | None:
        if not folder.is_dir():
            (folder / "benchmarks").mkdir(parents=True)
            shutil.copy(HERE.parents[1] / "benchmarks" / "test_spatial.py", folder / "benchmarks")
            (folder / "pytest.ini").write_text("[pytest]\n")
            (folder / "m.toml").write_text(MATRIX)
        arguments = ["benchmarks", "--search", "--matrix", "m.toml", *QUICK, *SIZES, *more]
        process = context.Process(target=carry_out, args=(str(folder), arguments, environment | (place or {}), dies))
        process.start()
        process.join(WAIT_S)
        return process.exitcode

    return run


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Path]:
    """The folder of the search in one process, once it was made."""
    return {}


def records_of(folder: Path, rung: str) -> list[Record]:
    """Of a rung of the only run below a folder; ``.`` is the run itself."""
    return read_records(folder / "runs" / "latest" / rung / "records.jsonl")


def whole_cells(lines: list[Record]) -> dict[str, list[float | None]]:
    """Seconds of every record by cell, of the cells that have all of theirs."""
    found = {line.cell: [one.wall_s for one in lines if one.cell == line.cell] for line in lines}
    return {line.cell: found[line.cell] for line in lines if len(found[line.cell]) == line.of_cell}


def result_of(folder: Path) -> dict[str, Any]:
    """What the search says, without how long it took."""
    found = json.loads((folder / "runs" / "latest" / "analysis" / "search.json").read_text())
    rungs = [{name: value for name, value in rung.items() if name != "seconds"} for rung in found["rungs"]]
    return {"rows": found["rows"], "rungs": rungs, "never": found["never_fitted_in_full"]}


@pytest.mark.parametrize("engine", ["local:2", "ray:2"])
def test_a_search_that_is_killed_on_an_engine_ends_as_one_in_a_single_process(
    engine: str, session: Session, address: dict[str, str], undisturbed: dict[str, Path], tmp_path: Path
) -> None:
    if not undisturbed:
        assert session(tmp_path / "calm") == 0, (tmp_path / "calm" / "said.txt").read_text()
        undisturbed["calm"] = tmp_path / "calm"
    calm, torn = undisturbed["calm"], tmp_path / "torn"
    assert session(torn, "--engine", engine, dies=True, place=address) == -9, (torn / "said.txt").read_text()
    kept = whole_cells(records_of(torn, RUNGS[0]))
    assert kept
    assert not (torn / "runs" / "latest" / "search" / "rungs.json").exists()
    assert session(torn, "--engine", engine, "--resume", place=address) == 0, (torn / "said.txt").read_text()
    ended = whole_cells(records_of(torn, RUNGS[0]))
    assert {cell: ended[cell] for cell in kept} == kept  # what was scored is not scored again
    for rung in RUNGS:
        alone = run_digests(records_of(calm, rung))
        assert run_digests(records_of(torn, rung)) == alone, rung
        assert len(alone) > 5
    assert result_of(torn) == result_of(calm)
    assert len(result_of(calm)["never"]) == 2
    assert verify((torn / "runs" / "latest").resolve()).problems == []
