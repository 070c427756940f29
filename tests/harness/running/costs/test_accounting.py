"""What a session took stands beside what was predicted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from foresight_harness.planning.options import DatasetChoice, RunOptions
from foresight_harness.running.costs.accounting import Account, factors, sentence
from foresight_harness.running.costs.history import GUESS_POOL_S, GUESS_SESSION_S, CostBook
from foresight_harness.running.costs.predicting import predict
from foresight_harness.running.engines.engines import engine_for

NAME = "pixels@patch/identity/single/linear"


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    return RunOptions(datasets=(DatasetChoice("shapes"),), cache=tmp_path / "cache")


def test_what_was_measured_stands_beside_what_was_predicted_with_its_factor(
    builtins, planned, options: RunOptions
) -> None:
    account = Account.opened([planned(builtins, NAME, "spatial")], options)
    stored = options.cache / "ab" / ("ab" * 32)
    stored.mkdir(parents=True)
    (stored / "0.safetensors").write_bytes(bytes(5 * 2**20))
    found = account.settled(30.0, {"here": 3 * 2**30, "worker": 2**30})
    assert found["measured"] == {
        "seconds": 30.0,
        "memory_bytes": 3 * 2**30,
        "memory_sum_bytes": 4 * 2**30,
        "processes": 2,
        "disk_bytes": 5 * 2**20,
    }
    before = account.prediction
    assert found["factors"]["seconds"] == pytest.approx(30 / before.seconds, abs=1e-3)
    assert found["factors"]["memory_bytes"] == pytest.approx(3 * 2**30 / before.memory_bytes, abs=1e-3)
    assert found["factors"]["disk_bytes"] == pytest.approx(5 * 2**20 / before.disk_bytes, abs=1e-3)
    said = sentence(found)
    assert said.startswith(f"plan: 30 s taken, {before.seconds:.0f} predicted; 3.0 GiB in the largest process, ")
    assert "4.0 GiB in all 2, " in said
    assert said.endswith("(1 of 1 cells were guessed)")


def test_too_little_to_compare_has_no_factor(builtins, planned, options: RunOptions) -> None:
    found = predict([planned(builtins, NAME, "spatial")], options, CostBook(), [])
    nothing = {"seconds": 1.0, "memory_bytes": None, "memory_sum_bytes": None, "disk_bytes": 0}
    assert factors(found, nothing) == {
        "seconds": round(1 / found.seconds, 3),
        "memory_bytes": None,
        "memory_sum_bytes": None,
        "disk_bytes": None,
    }


def test_each_engine_learns_its_own_session() -> None:
    book = CostBook()
    assert book.session("local").seconds == GUESS_SESSION_S
    assert book.session("local:2").seconds == GUESS_SESSION_S + GUESS_POOL_S
    book.add_session("local", 3.0)
    book.add_session("local:2", 8.0)
    book.add_session("ray:2", 20.0)
    learned = {name: book.session(name).seconds for name in ("local", "local:2", "local:4", "ray:2", "ray:8")}
    assert learned == {"local": 3, "local:2": 8, "local:4": 8, "ray:2": 20, "ray:8": 20}
    assert not CostBook().session("ray:2").measured


def test_overhead_of_workers_is_what_they_do_not_share(make_bench, builtins, planned, few_pictures: None) -> None:
    bench = make_bench(engine="local:2")
    cells = [planned(builtins, NAME, "alignment")]
    bench.plan(cells)
    engine = engine_for(bench, cells)
    try:
        engine.score(cells[0], None)
    finally:
        engine.close()
    engine.remember_session(100.0)
    book = CostBook.beside(bench.options.cache)
    (spent,) = engine.driver.wall_s.values()
    assert book.session("local:2").seconds == pytest.approx(100 - spent / 2, abs=0.01)
    assert len(bench.peaks) == 1
    assert min(bench.peaks.values()) > 100 * 2**20


def test_peak_of_a_process_outlives_the_mark_that_latency_resets() -> None:
    code = (
        "import json; from foresight_harness.measuring.suites.memory import PeakMemory, peak_bytes; "
        "held = bytearray(200 * 2**20); held[:] = b'1' * len(held); before = peak_bytes(); del held\n"
        "with PeakMemory('cpu'): pass\n"
        "print(json.dumps([before, peak_bytes()]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = json.loads(done.stdout)
    assert after >= before > 200 * 2**20
