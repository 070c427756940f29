"""Controls of the temporal suite: a perfect mask, tokens in random places, frames in random order, nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from foresight_harness.contracts.outcomes import Outcome
from foresight_harness.measuring.suites.calibration import Calibration, control_cell, noise_of, values_of

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell

CEILING = "oracle@mask"
CONSTANT = "constant@patch"
WITH_MASKS = (CEILING, CONSTANT, "shuffled:oracle@mask", "time_shuffled:oracle@mask")
"""A perfect mask, the same with where or when destroyed, and nothing at all."""
WITHOUT_MASKS = (CONSTANT, "shuffled@patch", "time_shuffled@patch")
"""Where no masks are known pixels stand in, and there is no ceiling."""

DIRECTION_LEAST = 0.85
"""A perfect mask scores 0.95 on ``moving_shapes`` with 48 training clips; real clips say less through their masks."""
ORDER_LEAST = 0.85
"""A perfect mask scores 0.98 to 1."""
FLOOR_BAND = 0.05
"""Above chance by no more than this, sampling noise aside."""
AXIS = 2.0
"""Frames in random order still show along which line something moved: two of the directions, so twice chance."""


def calibrate(cell: Cell, measure: Callable[[Cell], Outcome]) -> Calibration:
    """Score the controls on the cell's data set, once a run.

    Args:
        cell: Any cell of the suite on that data set.
        measure: The suite's own measurement, without controls.
    """
    memory = cell.bench.calibrations
    key = (cell.suite.name, str(cell.dataset))
    if key not in memory:
        masked = "masks" in cell.bench.registry.dataset(cell.dataset.name).labels
        cells = {name: control_cell(cell, name) for name in (WITH_MASKS if masked else WITHOUT_MASKS)}
        outcomes = {name: measure(control) for name, control in cells.items()}
        memory[key] = replace(
            judge(outcomes),
            outcomes={cells[name].id: outcome for name, outcome in outcomes.items()},
            candidates=tuple(control.candidate for control in cells.values()),
        )
    return memory[key]


def judge(outcomes: Mapping[str, Outcome]) -> Calibration:
    """Compare what the controls scored with what they are known to score.

    Shuffled tokens keep *when*, so of them only the direction must be at chance; frames in random order lose both.
    """
    checks: list[tuple[bool, str]] = []
    floor: dict[str, float] = {}
    ceiling: dict[tuple[str, str | None], float] = {}
    for metric, least in (("direction_accuracy", DIRECTION_LEAST), ("ordering_accuracy", ORDER_LEAST)):
        measured = [one for one in outcomes[CONSTANT].measurements if one.metric == metric]
        if not measured or measured[0].floor is None:
            continue
        chance = floor[metric] = measured[0].floor
        if CEILING in outcomes:
            values = values_of(outcomes[CEILING], metric)
            mean = float(np.nanmean(values))
            ceiling[metric, measured[0].probe] = mean
            held = mean + noise_of(values) >= least
            checks.append((held, f"oracle scores {mean:.3f} {metric}, expected at least {least:.2f}"))
        for name in outcomes:
            family = name.partition("@")[0].partition(":")[0]
            bound = {"constant": chance, "time_shuffled": chance}.get(family)
            if metric == "direction_accuracy":
                bound = {"constant": chance, "shuffled": chance, "time_shuffled": AXIS * chance}.get(family)
            if bound is not None:
                checks.append(_at_floor(family, metric, values_of(outcomes[name], metric), bound))
    return Calibration(
        floor=floor,
        ceiling=ceiling,
        ok=all(held for held, _ in checks),
        sentences=tuple(f"{'as known' if held else 'OUT OF RANGE'}: {text}" for held, text in checks),
    )


def _at_floor(name: str, metric: str, values: np.ndarray, bound: float) -> tuple[bool, str]:
    """Whether a control that cannot know scores no more than it can by chance."""
    mean = float(np.nanmean(values))
    count = max(1, int(np.isfinite(values).sum()))
    noise = 2 * (bound * (1 - bound) / count) ** 0.5  # of a coin with that chance: observed spread may be 0
    return (
        mean <= bound + FLOOR_BAND + noise,
        f"{name} scores {mean:.3f} {metric}, expected at most {bound:.3f} within {FLOOR_BAND:.2f} and sampling noise "
        f"{noise:.2f}",
    )
