from __future__ import annotations

from pathlib import Path

import pytest
from foresight_harness.planning.options import DatasetChoice, RunOptions
from foresight_harness.running.costs.history import CostBook, cost_key, guess_s
from foresight_harness.running.engines.units import SHORTEST_S, cell_key, units_of

OPTIONS = RunOptions(datasets=(DatasetChoice("shapes"),))


@pytest.fixture
def cells(builtins, planned):
    names = ("pixels@patch", "oracle@mask", "constant@patch")
    suites = ("spatial", "alignment", "efficiency")
    return [planned(builtins, f"{name}/identity/single/linear", suite) for name in names for suite in suites]


def test_every_cell_is_in_one_unit(cells) -> None:
    units = units_of(cells, OPTIONS, 2, CostBook())
    found = [cell for unit in units for cell in unit.cells]
    assert sorted(found) == sorted(cell_key(cell) for cell in cells)


def test_latency_comes_last_and_alone_in_its_units(cells) -> None:
    units = units_of(cells, OPTIONS, 2, CostBook())
    exclusive = [unit.exclusive for unit in units]
    assert exclusive == sorted(exclusive)
    for unit in units:
        assert {suite == "efficiency" for _, suite, _ in unit.cells} == {unit.exclusive}


def test_longer_units_come_first(cells) -> None:
    book = CostBook()
    slow = next(cell for cell in cells if cell.suite.name == "alignment")
    book.add(slow, OPTIONS, 60.0)
    units = units_of([cell for cell in cells if not cell.suite.live_encoder], OPTIONS, 2, book)
    costs = [unit.est_s for unit in units]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] >= 60


def test_units_keep_one_set_of_encoders(cells) -> None:
    for unit in units_of(cells, OPTIONS, 4, CostBook()):
        assert {candidate.partition("@")[0] for candidate, _, _ in unit.cells} == {unit.affinity}


def test_a_group_that_would_outlast_the_others_is_cut(builtins, planned) -> None:
    cells = [
        planned(builtins, f"pixels@patch/{enhancer}/single/linear", suite)
        for enhancer in ("identity", "bilinear")
        for suite in ("spatial", "alignment", "reconstruction")
    ]
    book = CostBook()
    for cell in cells:
        book.add(cell, OPTIONS, 2 * SHORTEST_S)
    assert len(units_of(cells, OPTIONS, 2, book)) > 1
    assert len(units_of(cells, OPTIONS, 2, CostBook())) == 1


def test_same_plan_gives_same_unit_ids(cells) -> None:
    assert [unit.id for unit in units_of(cells, OPTIONS, 2, CostBook())] == [
        unit.id for unit in units_of(cells, OPTIONS, 2, CostBook())
    ]


def test_costs_are_remembered_between_runs(cells, tmp_path: Path) -> None:
    book = CostBook.beside(tmp_path)
    assert book.cell_s(cells[0], OPTIONS) == guess_s(cells[0], OPTIONS)
    for seconds in (3.0, 5.0, 40.0):
        book.add(cells[0], OPTIONS, seconds)
    book.save()
    again = CostBook.beside(tmp_path)
    assert again.cell_s(cells[0], OPTIONS) == 5.0
    assert again.measured(cells, OPTIONS) == sum(cost_key(c, OPTIONS) == cost_key(cells[0], OPTIONS) for c in cells)


def test_a_damaged_cost_book_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "costs.json").write_text('{"seconds": [')
    assert CostBook.beside(tmp_path).seconds == {}


def test_a_sweep_of_learning_rates_costs_three_quarters_of_a_fit_more(builtins, planned) -> None:
    cell = planned(builtins, "pixels@patch/identity/single/conv", "reconstruction")
    plain, swept = (guess_s(cell, RunOptions(learning_rate=rate)) for rate in (None, "sweep"))
    alone = guess_s(planned(builtins, "pixels@patch/identity/single/linear", "reconstruction"), RunOptions())
    assert swept - alone == pytest.approx(1.75 * (plain - alone))
    assert cost_key(cell, RunOptions(learning_rate="sweep")) != cost_key(cell, RunOptions())
