"""Controls are those that the suite declares, measured once a run, whatever the suite."""

from __future__ import annotations

from dataclasses import replace

import pytest
from foresight_harness.contracts.outcomes import ControlVerdict, Measurement, Outcome
from foresight_harness.measuring.workshop.calibrating import controls_of
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.planning.options import DatasetChoice

CANDIDATE = "pixels@patch/bilinear/single/linear"


def outcome_of(cell: Cell) -> Outcome:
    return Outcome((Measurement("length", "letters", "higher", (0.0, None), value=float(len(str(cell.candidate)))),))


@pytest.mark.usefixtures("few_pictures")
def test_a_suite_is_judged_by_the_controls_in_its_row(make_keeper, builtins, planned) -> None:
    measured: list[str] = []
    judged: list[tuple[str, ...]] = []

    def measure(cell: Cell) -> Outcome:
        measured.append(str(cell.candidate))
        return outcome_of(cell)

    def judge(cell: Cell, outcomes: dict[str, Outcome]) -> ControlVerdict:
        judged.append(tuple(outcomes))
        return ControlVerdict({}, {}, False, ("OUT OF RANGE: too short",))

    keeper = make_keeper()
    suite = replace(
        builtins.suite("spatial"),
        controls=("constant@patch",),
        score=lambda cell: cell.calibrated(measure, judge)[0],
        protocol=lambda cell: {"measures": "letters"},
    )
    cell = replace(planned(builtins, CANDIDATE, "spatial"), suite=suite)
    keeper.run_cell(cell)
    keeper.run_cell(
        replace(cell, candidate=planned(builtins, CANDIDATE.removesuffix("linear") + "conv", "spatial").candidate)
    )
    assert judged == [("constant@patch",)]
    assert measured.count("constant@patch/identity/single/linear") == 1
    assert keeper.controls() == {("spatial", "shapes"): (False, ("OUT OF RANGE: too short",))}
    recorded = {line.candidate for line in keeper.folder.records()}
    assert "constant@patch/identity/single/linear" in recorded


def test_where_a_data_set_has_no_masks_others_stand_in(make_keeper, builtins, planned) -> None:
    keeper = make_keeper()
    found = planned(builtins, CANDIDATE, "temporal")
    with_masks = Cell(keeper.workshop, found.candidate, found.suite, DatasetChoice("moving_shapes"))
    without = replace(with_masks, dataset=DatasetChoice("video"))
    assert "oracle@mask" in controls_of(with_masks)
    assert controls_of(without) == ("constant@patch", "shuffled@patch", "time_shuffled@patch")
    assert controls_of(replace(without, suite=builtins.suite("spatial"))) == builtins.suite("spatial").controls
