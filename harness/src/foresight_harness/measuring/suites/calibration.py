"""Controls of the spatial suite: measured in every run, on the same pictures, with the same probe."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from foresight_harness.contracts.outcomes import Outcome
from foresight_harness.parts.probes.boxes import floor_scores, mean_box_floor
from foresight_harness.planning.candidates import ResolvedCandidate, parse_candidate, resolve
from foresight_harness.planning.options.probe_names import PIXEL_PROBE

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell

CONTROLS = ("oracle@mask", "pixels@patch", "shuffled@patch", "constant@patch")
TAIL = "identity/single/linear"

ORACLE_LEAST = 0.85
"""A perfect mask read by the primary probe scores 0.89 on ``shapes`` (findings, table 1)."""
ORACLE_LEAST_ELSEWHERE = 0.6
"""On photographs objects touch and boxes are not tight around masks, so the ceiling lies lower."""
LEAST_GAP = 0.1
"""What a perfect mask must score above the floor under any probe: blind probes stay within 0.02 (findings, table 1)."""
FLOOR_BAND = 0.03
"""Features that cannot say where anything is stay this close to the mean box, sampling noise aside."""


@dataclass(frozen=True)
class Calibration:
    """Floor and ceiling of each metric on one data set, and whether the probe can be believed there."""

    floor: Mapping[str, float]
    ceiling: Mapping[tuple[str, str | None], float]
    """By metric and probe."""
    ok: bool
    """Of the suite's own probe."""
    sentences: tuple[str, ...]
    """One a control: what it scored, what was expected."""
    others: Mapping[str | None, bool] = field(default_factory=dict)
    """The same of the other probes that were asked for."""
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    """What was measured on each control, by cell id, so that its own cell need not measure again."""
    candidates: tuple[ResolvedCandidate, ...] = ()
    """The controls themselves: they are recorded in every run, planned or not."""


def calibrate(cell: Cell, measure: Callable[[Cell], Outcome]) -> Calibration:
    """Score the controls on the cell's data set, once a run.

    Args:
        cell: Any cell of the suite on that data set.
        measure: The suite's own measurement, without controls.
    """
    memory = cell.bench.calibrations
    key = (cell.suite.name, str(cell.dataset))
    if key not in memory:
        cells = {name: control_cell(cell, name) for name in CONTROLS}
        outcomes = {name: measure(control) for name, control in cells.items()}
        memory[key] = replace(
            judge(outcomes, _floor(cell), cell.dataset.name),
            outcomes={cells[name].id: outcome for name, outcome in outcomes.items()},
            candidates=tuple(control.candidate for control in cells.values()),
        )
    return memory[key]


def control_cell(cell: Cell, stream: str) -> Cell:
    """The cell of a control on the same data set, in the same suite."""
    candidate = resolve(parse_candidate(f"{stream}/{TAIL}"), cell.bench.registry)
    return replace(cell, candidate=candidate)


def _floor(cell: Cell) -> dict[str, np.ndarray]:
    """Per-sample scores of the constant box that fits the training split best."""
    train, test = cell.split("train").labels, cell.split("test").labels
    return {"iou": np.asarray(floor_scores(mean_box_floor(train), test))}


def judge(outcomes: Mapping[str, Outcome], floor: Mapping[str, np.ndarray], dataset: str) -> Calibration:
    """Compare what the controls scored with what they are known to score."""
    iou = {name: values_of(outcome, "iou") for name, outcome in outcomes.items()}
    least = ORACLE_LEAST if dataset in ("shapes", "one_shape") else ORACLE_LEAST_ELSEWHERE
    base = float(np.nanmean(floor["iou"]))
    ceiling = float(np.nanmean(iou["oracle@mask"]))
    spare = noise_of(iou["oracle@mask"])
    checks = [(ceiling + spare >= least, f"oracle scores {ceiling:.3f} IoU, expected at least {least:.2f}")]
    for name in ("shuffled@patch", "constant@patch"):
        difference = iou[name] - floor["iou"]
        mean = float(np.nanmean(difference))
        noise = noise_of(difference)
        held = abs(mean) <= FLOOR_BAND + noise
        checks.append(
            (
                held,
                f"{name.partition('@')[0]} scores {base + mean:.3f} IoU, expected {base:.3f} (mean box) within "
                f"{FLOOR_BAND:.2f} and sampling noise {noise:.2f}",
            )
        )
    oracle = {
        (found.metric, found.probe): _mean(found.values, found.value)
        for found in outcomes["oracle@mask"].measurements
        if found.direction != "none" and found.probe != PIXEL_PROBE
    }
    others = _judge_others(outcomes, floor["iou"])
    said = [*checks, *others.values()]
    return Calibration(
        floor={name: float(np.nanmean(values)) for name, values in floor.items()},
        ceiling={name: value for name, value in oracle.items() if value is not None},
        ok=all(held for held, _ in checks),
        others={probe: held for probe, (held, _) in others.items()},
        sentences=tuple(f"{'as known' if held else 'OUT OF RANGE'}: {text}" for held, text in said),
    )


def _judge_others(outcomes: Mapping[str, Outcome], floor: np.ndarray) -> dict[str | None, tuple[bool, str]]:
    """What other probes than the suite's own make of the controls.

    Their ceilings depend on their budgets, so less is asked of them: a perfect mask must score well above the floor,
    and features that cannot say where anything is must not. A trained probe may fall below the constant box.
    """
    checks: dict[str | None, tuple[bool, str]] = {}
    for found in outcomes["oracle@mask"].measurements:
        if found.metric != "iou" or found.probe_choices is None:
            continue
        gains = {name: values_of(outcome, "iou", found.probe) - floor for name, outcome in outcomes.items()}
        held = bool(np.nanmean(gains["oracle@mask"]) - noise_of(gains["oracle@mask"]) > LEAST_GAP)
        for name in ("shuffled@patch", "constant@patch"):
            held = held and bool(np.nanmean(gains[name]) <= FLOOR_BAND + noise_of(gains[name]))
        scores = ", ".join(f"{name.partition('@')[0]} {np.nanmean(gain + floor):.3f}" for name, gain in gains.items())
        wanted = f"oracle over {np.nanmean(floor) + LEAST_GAP:.3f}, shuffled and constant no higher than the floor"
        checks[found.probe] = (held, f"{found.probe} scores {scores} IoU, expected {wanted}")
    return checks


def noise_of(values: np.ndarray) -> float:
    """Two standard errors of the mean: what sampling alone may move it by."""
    return 2 * float(np.nanstd(values)) / math.sqrt(max(1, int(np.isfinite(values).sum())))


def values_of(outcome: Outcome, metric: str, probe: str | None = None) -> np.ndarray:
    """Per-sample values, mean over seeds; the first probe's, the suite's own, where none is named."""
    fitting = (entry for entry in outcome.measurements if entry.metric == metric and probe in (None, entry.probe))
    found = next(fitting)
    assert found.values is not None
    return np.asarray(found.values.mean(axis=0))


def _mean(values: np.ndarray | None, value: float | None) -> float | None:
    return float(np.nanmean(values)) if values is not None else value
