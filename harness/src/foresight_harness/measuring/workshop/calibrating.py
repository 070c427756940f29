"""The controls of a suite, scored on a data set once a run: one way for every suite that declares some."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from foresight_harness.contracts.outcomes import ControlVerdict, Outcome
from foresight_harness.measuring.workshop.assignment import Assignment
from foresight_harness.measuring.workshop.calibration import Calibration
from foresight_harness.planning.candidates import parse_candidate, resolve

TAIL = "identity/single/linear"

Measured = TypeVar("Measured", bound=Assignment)


def calibrate(
    cell: Measured,
    measure: Callable[[Measured], Outcome],
    judge: Callable[[Measured, Mapping[str, Outcome]], ControlVerdict],
) -> Calibration:
    """Score the suite's controls on the cell's data set and judge them.

    Args:
        cell: Any cell of the suite on that data set.
        measure: The suite's own measurement, without controls.
        judge: Compares what the controls scored, by stream, with what they are known to score.
    """
    memory = cell.workshop.calibrations
    key = (cell.suite.name, str(cell.dataset))
    if key not in memory:
        cells = {stream: control_cell(cell, stream) for stream in controls_of(cell)}
        outcomes = {stream: measure(control) for stream, control in cells.items()}
        memory[key] = Calibration(
            verdict=judge(cell, outcomes),
            outcomes={cells[stream].id: outcome for stream, outcome in outcomes.items()},
            candidates=tuple(control.candidate for control in cells.values()),
        )
    return memory[key]


def controls_of(cell: Assignment) -> tuple[str, ...]:
    """The streams that the suite declares for a data set of this kind."""
    suite, dataset = cell.suite, cell.workshop.registry.dataset(cell.dataset.name)
    return suite.controls if "masks" in dataset.labels else suite.controls_without_masks or suite.controls


def control_cell(cell: Measured, stream: str) -> Measured:
    """The cell of a control on the same data set, in the same suite."""
    candidate = resolve(parse_candidate(f"{stream}/{TAIL}"), cell.workshop.registry)
    return replace(cell, candidate=candidate)
