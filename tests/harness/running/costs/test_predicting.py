"""What ``plan`` says a session takes, beside what it then takes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from foresight_harness.measuring.cache.upkeep import entries
from foresight_harness.planning.options import DatasetChoice, RunOptions
from foresight_harness.running.costs.history import LATER, CostBook, First
from foresight_harness.running.costs.predicting import REFERENCE_S, memory_of, predict, slowness_of_this_machine
from foresight_harness.running.engines.engines import engine_for
from foresight_harness.surface.command.plan import sentences

NAMES = ("pixels@patch/identity/single/linear", "oracle@mask/bilinear/single/linear")


@pytest.fixture
def cells(builtins, planned):
    return [planned(builtins, name, suite) for name in NAMES for suite in ("spatial", "alignment")]


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    return RunOptions(datasets=(DatasetChoice("shapes"),), cache=tmp_path / "cache")


def test_a_plan_that_ran_here_is_predicted_within_a_factor_of_two(
    few_pictures: None, make_keeper, cells, options: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock of the run counts what this process does: what others do at this moment is no part of a plan.
    monkeypatch.setattr(time, "monotonic", time.process_time)

    def run() -> float:
        keeper = make_keeper()
        keeper.plan(cells)
        engine = engine_for(keeper, cells)
        began = time.monotonic()
        for cell in cells:
            engine.score(cell, None)
        spent = time.monotonic() - began
        engine.close()
        return spent

    before = predict(cells, options, CostBook(), [])
    run()
    stored = entries(options.cache)
    held = sum(entry.bytes for entry in stored if entry.kind in ("features", "clips", "latents"))
    assert before.disk_bytes / 2 < held < before.disk_bytes * 2
    book = CostBook.beside(options.cache)
    book.add_session("local", 0.0)
    run()  # warm, as the one that is predicted
    book = CostBook.beside(options.cache)
    book.add_session("local", 0.0)
    for _ in range(3):  # another process may empty the caches of the processor in one of them
        found = predict(cells, options, book, entries(options.cache))
        spent = run()
        if spent / 2 < found.seconds < spent * 2:
            break
        book = CostBook.beside(options.cache)
        book.add_session("local", 0.0)
    assert (found.measured, found.disk_bytes) == (len(cells), 0)
    assert spent / 2 < found.seconds < spent * 2
    assert found.low <= found.seconds <= found.high


def test_what_nobody_measured_is_a_guess_that_says_so(cells, options: RunOptions) -> None:
    found, here = (predict(cells, options, CostBook(), [], slowness=slowness) for slowness in (3.0, 1.0))
    assert found.measured == 0
    beside = CostBook().session(options.engine).seconds
    assert found.seconds - 3 * beside == pytest.approx(2 * (here.seconds - beside))  # half of a cell is no product
    assert found.high > 10 * found.low
    assert "0 of 4 cells measured here, the rest guessed" in sentences(found)[0]


def test_the_first_of_a_kind_costs_what_first_ones_did(cells, options: RunOptions) -> None:
    book = CostBook()
    spatial = [cell for cell in cells if cell.suite.name == "spatial"]
    book.add(spatial[0], options, 9.0, First(opens=True, extracts=True))
    book.add(spatial[1], options, 2.0, First(extracts=True))
    book.add_session("local", 5.0)
    assert predict(spatial, options, book, []).seconds == 9 + 2 + 5
    book.add(spatial[0], options, 1.0, LATER)
    assert book.predicted(spatial[0], options, First(opens=True)).seconds == 1  # the likest that was measured


def test_cell_that_was_only_measured_as_a_first_one_is_not_guessed(cells, options: RunOptions) -> None:
    book = CostBook()
    book.add(cells[0], options, 7.0, First(opens=True))
    found = book.predicted(cells[0], options, LATER)
    assert (found.seconds, found.measured) == (7.0, True)


def test_workers_share_the_time_of_cells(cells, options: RunOptions) -> None:
    book = CostBook()
    book.add_session("local", 5.0)
    book.add_session("local:2", 5.0)
    for cell in cells:
        for first in (LATER, First(opens=True, extracts=True), First(extracts=True), First(opens=True)):
            book.add(cell, options, 10.0, first)
    from dataclasses import replace

    assert predict(cells, options, book, []).seconds == 45
    assert predict(cells, replace(options, engine="local:2"), book, []).seconds == 25


def test_memory_grows_with_the_streams_and_not_with_the_cells(cells, options: RunOptions) -> None:
    assert memory_of(cells, options) == memory_of(cells * 10, options)
    assert memory_of(cells, options) > memory_of([], options)


def test_the_speed_of_this_machine_is_a_positive_number_in_a_blink(least_seconds: Callable[..., float]) -> None:
    def measured() -> float:
        began = time.process_time()
        assert slowness_of_this_machine() > 0
        return time.process_time() - began

    assert least_seconds(measured, 1.0) < 1.0


def test_what_others_do_at_this_moment_does_not_make_the_machine_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=10.0)
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    assert slowness_of_this_machine() < 10 / REFERENCE_S / 10
