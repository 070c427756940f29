"""Suite ``temporal``: can motion be read from the conditioning of a clip? Direction and order, controls beside."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from foresight_harness.contracts.outcomes import ControlVerdict, Measurement, Outcome, Picture
from foresight_harness.measuring.extraction.reordered import METHOD, reordered
from foresight_harness.measuring.suites.actions import action_measurements
from foresight_harness.measuring.suites.temporal_controls import judge_cell
from foresight_harness.parts.datasets.motion import DIRECTION_NAMES
from foresight_harness.parts.probes.motion import MotionProbe, chance

if TYPE_CHECKING:
    from foresight_harness.measuring.conditioning import Conditioning
    from foresight_harness.measuring.fitting.objectives import Fitted
    from foresight_harness.measuring.workshop.cell import Cell

SHOWN = 3
"""Clips that a cell shows, the wrongly read ones first."""


def protocol(cell: Cell) -> dict[str, Any]:
    """The probe's choices, how order is destroyed, and the budget of trained modules."""
    return {
        **{f"probe_{name}": value for name, value in MotionProbe().choices().items()},
        "reordered": METHOD,
        "frames": cell.scale.frames,
        **({} if not cell.candidate.trainable else cell.recipe_for_places().choices()),
    }


def score(cell: Cell) -> Outcome:
    """Measure, then say what controls scored on the same clips with the same probe."""
    return with_controls(*cell.calibrated(measure, judge_cell))


def with_controls(outcome: Outcome, controls: ControlVerdict) -> Outcome:
    """The outcome with chance, ceiling and the verdict on the probe."""
    measured = tuple(
        replace(
            found,
            ceiling=controls.ceiling.get((found.metric, found.probe)),
            ceiling_by="oracle" if (found.metric, found.probe) in controls.ceiling else None,
        )
        for found in outcome.measurements
    )
    details = {**outcome.details, "controls": controls.sentences}
    return replace(outcome, measurements=measured, controls_ok=controls.ok, details=details)


def measure(cell: Cell) -> Outcome:
    """Per-clip scores of one candidate, without looking at any other."""
    train, test = cell.split("train"), cell.split("test")
    turned = {"train": reordered(train), "test": reordered(test)}
    taught, wanted = ([motion.get("direction") for motion in split.labels.motion] for split in (train, test))
    directions, orders = [], []
    found: list[int] = []
    fits = {seed: cell.fitted_for_places(seed) for seed in cell.seeds}
    for seed in cell.seeds:
        read = partial(_grids, cell, fits[seed])
        probe = MotionProbe()
        probe.fit(read("train", None), read("train", turned["train"]), taught)
        if len(probe.classes) > 1:
            found = probe.directions(read("test", None))
            right = [np.nan if true is None else float(true == one) for true, one in zip(wanted, found, strict=True)]
            directions.append(np.array(right))
        orders.append(probe.in_order(read("test", None), read("test", turned["test"])).numpy())
    shared: dict[str, Any] = {
        "unit": "ratio",
        "direction": "higher",
        "range": (0.0, 1.0),
        "probe": MotionProbe.name,
        "seeds": cell.seeds,
        "floor_by": "chance",
    }
    measurements = [Measurement("ordering_accuracy", values=np.stack(orders), floor=0.5, **shared)]
    if directions and not np.isnan(directions[0]).all():
        known = {"directions": len({one for one in taught if one is not None})}
        measurements.insert(
            0,
            Measurement(
                "direction_accuracy", values=np.stack(directions), floor=chance(wanted), details=known, **shared
            ),
        )
    measurements += action_measurements(cell, lambda seed, name: _grids(cell, fits[seed], name, None))
    fitted = fits[cell.seeds[0]]
    details = {"fit": fitted.convergence.as_json()} if fitted.convergence else {}
    return Outcome(tuple(measurements), _clips(cell, wanted, found), params=fitted.params(), details=details)


def _grids(cell: Cell, fitted: Fitted, name: Any, split: Any) -> Conditioning:
    """Conditioning of the train or test split, or of its reordered self."""
    streams = cell.streams(name) if split is None else cell.streams_over(split)
    return fitted.conditioning(streams, str(cell.candidate))


def _clips(cell: Cell, wanted: list[int | None], found: list[int]) -> tuple[Picture, ...]:
    """Some test clips with the direction that was read, wrong ones first."""
    if not found:
        return ()
    order = sorted(range(len(found)), key=lambda index: (wanted[index] is None, wanted[index] == found[index], index))
    test = cell.split("test")
    clips = test.take(order[:SHOWN])
    shown: list[Picture] = []
    for index, clip in zip(order[:SHOWN], clips, strict=True):
        true = wanted[index]
        truth = "unknown" if true is None else DIRECTION_NAMES[true]
        shown.append(
            Picture(
                kind="clip",
                sample=test.labels.ids[index],
                pixels=clip,
                metric="direction_accuracy",
                value=None if true is None else float(true == found[index]),
                label=f"moves {truth}, read as {DIRECTION_NAMES[found[index]]}",
            )
        )
    return tuple(shown)
