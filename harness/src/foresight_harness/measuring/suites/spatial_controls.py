"""What the controls of the spatial suite must score: read on the same pictures, with the same probe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from foresight_harness.contracts.outcomes import ControlVerdict, Outcome
from foresight_harness.measuring.suites.control_scores import Check, noise_of, sentences_of, together, values_of
from foresight_harness.parts.probes.boxes import floor_scores, mean_box_floor

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell

OF_PIXELS = "r2"
"""What probes of pixels record: a perfect mask is no ceiling of theirs."""
LEAST_GAP = 0.1
"""What a perfect mask must score above the floor under any probe: blind probes stay within 0.02 (findings, table 1)."""
FEW = 24
"""Independent pictures of either split below which a readout without anything to read may be off by more than noise:
its fit has noise of its own, which no interval over the test pictures shows."""
FLOOR_BAND = 0.03
"""Features that cannot say where anything is stay this close to the mean box, sampling noise aside."""


def judge_cell(cell: Cell, outcomes: Mapping[str, Outcome]) -> ControlVerdict:
    """Compare what the controls scored with what they are known to score on the cell's data set."""
    train, test = cell.split("train").labels, cell.split("test").labels
    floor = {"iou": np.asarray(floor_scores(mean_box_floor(train), test))}
    pictures = min(len(set(train.groups)), len(set(test.groups)))
    return judge(outcomes, floor, cell.workshop.registry.dataset(cell.dataset.name).oracle_iou, few=pictures < FEW)


def judge(
    outcomes: Mapping[str, Outcome], floor: Mapping[str, np.ndarray], least: float, *, few: bool = False
) -> ControlVerdict:
    """The same of per-sample scores.

    Args:
        outcomes: What the controls scored, by stream.
        floor: Of the constant box that fits the training split best, by metric. [n] each
        least: What a perfect mask scores on the data set at least.
        few: Whether a split has too few pictures for floors that are off to say that a probe is broken.
    """
    iou = {name: values_of(outcome, "iou") for name, outcome in outcomes.items()}
    base = float(np.nanmean(floor["iou"]))
    ceiling = float(np.nanmean(iou["oracle@mask"]))
    spare = noise_of(iou["oracle@mask"])
    checks: list[Check] = [
        (ceiling + spare >= least, f"oracle scores {ceiling:.3f} IoU, expected at least {least:.2f}")
    ]
    for name in ("shuffled@patch", "constant@patch"):
        difference = iou[name] - floor["iou"]
        mean = float(np.nanmean(difference))
        noise = noise_of(difference)
        held = abs(mean) <= FLOOR_BAND + noise or (None if few else False)
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
        if found.direction != "none" and found.metric != OF_PIXELS
    }
    others = _judge_others(outcomes, floor["iou"], few)
    return ControlVerdict(
        floor={name: float(np.nanmean(values)) for name, values in floor.items()},
        ceiling={name: value for name, value in oracle.items() if value is not None},
        ok=together(checks),
        others={probe: held for probe, (held, _) in others.items()},
        sentences=sentences_of([*checks, *others.values()]),
    )


def _judge_others(outcomes: Mapping[str, Outcome], floor: np.ndarray, few: bool) -> dict[str | None, Check]:
    """What other probes than the suite's own make of the controls.

    Their ceilings depend on their budgets, so less is asked of them: a perfect mask must score well above the floor,
    and features that cannot say where anything is must not. A trained probe may fall below the constant box.
    """
    checks: dict[str | None, Check] = {}
    for found in outcomes["oracle@mask"].measurements:
        if found.metric != "iou" or found.probe_choices is None:
            continue
        gains = {name: values_of(outcome, "iou", found.probe) - floor for name, outcome in outcomes.items()}
        seen = bool(np.nanmean(gains["oracle@mask"]) - noise_of(gains["oracle@mask"]) > LEAST_GAP)
        blind = all(
            np.nanmean(gains[name]) <= FLOOR_BAND + noise_of(gains[name])
            for name in ("shuffled@patch", "constant@patch")
        )
        held = seen and (blind or (None if few else False))
        scores = ", ".join(f"{name.partition('@')[0]} {np.nanmean(gain + floor):.3f}" for name, gain in gains.items())
        wanted = f"oracle over {np.nanmean(floor) + LEAST_GAP:.3f}, shuffled and constant no higher than the floor"
        checks[found.probe] = (held, f"{found.probe} scores {scores} IoU, expected {wanted}")
    return checks


def _mean(values: np.ndarray | None, value: float | None) -> float | None:
    return float(np.nanmean(values)) if values is not None else value
