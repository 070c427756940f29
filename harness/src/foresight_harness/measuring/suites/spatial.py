"""Suite ``spatial``: can objects be found in the conditioning grid? Read by the primary probe, controls beside it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from foresight_harness.contracts.outcomes import Measurement, Outcome, Picture, Values
from foresight_harness.measuring.conditioning import Conditioning
from foresight_harness.measuring.suites.calibration import Calibration, calibrate
from foresight_harness.measuring.suites.probing import box_measurements, fits_of, read_boxes, seeds_of
from foresight_harness.parts.probes import probe as probe_of
from foresight_harness.parts.probes.base import Detections
from foresight_harness.parts.probes.linear_pixels import LinearPixels
from foresight_harness.planning.options.probe_names import PIXEL_PROBE, PRIMARY

if TYPE_CHECKING:
    from foresight_harness.measuring.fitting.objectives import Fitted
    from foresight_harness.measuring.workshop.cell import Cell

SHOWN = 6
"""Pictures a cell shows: half the worst, half as they come."""


def protocol(cell: Cell) -> dict[str, Any]:
    """The probe's choices, and the budget of trained modules."""
    return {
        **{f"probe_{name}": value for name, value in probe_of(PRIMARY).choices().items()},
        **cell.recipe_for_places().choices(),
    }


def score(cell: Cell) -> Outcome:
    """Measure, then say what controls scored on the same pictures with the same probe."""
    controls = calibrate(cell, measure)
    return with_controls(controls.outcomes.get(cell.id) or measure(cell), controls)


def with_controls(outcome: Outcome, controls: Calibration) -> Outcome:
    """The outcome with floor, ceiling and, probe by probe, the verdict on the probe."""
    measured = []
    for found in outcome.measurements:
        ceiling = controls.ceiling.get((found.metric, found.probe))
        floor = controls.floor.get(found.metric)
        measured.append(
            replace(
                found,
                floor=floor,
                floor_by="mean_box" if floor is not None else None,
                ceiling=ceiling,
                ceiling_by="oracle" if ceiling is not None else None,
                controls_ok=controls.others.get(found.probe) if found.probe_choices is not None else None,
            )
        )
    details = {**outcome.details, "controls": controls.sentences}
    return replace(outcome, measurements=tuple(measured), controls_ok=controls.ok, details=details)


def measure(cell: Cell) -> Outcome:
    """Per-sample scores of one candidate by the primary probe and by those that were asked for, looking at no other."""
    others = [name for name in dict.fromkeys(cell.bench.options.probes) if name != PRIMARY]
    asked = {seed for name in others for seed in seeds_of(cell, name)}
    fits = fits_of(cell, sorted(asked | set(cell.seeds)))
    reading = read_boxes(cell, partial(probe_of, PRIMARY), cell.seeds, fits)
    measurements = box_measurements(cell, reading)
    for name in others:
        measurements += _by_another(cell, name, fits)
    ious = next((entry.values for entry in measurements if entry.metric == "iou"), None)
    pictures = _pictures(cell, reading.found[0], ious[0] if ious is not None else None)
    fitted = fits[cell.seeds[0]]
    details = {"fit": fitted.convergence.as_json()} if fitted.convergence else {}
    return Outcome(tuple(measurements), pictures, params=fitted.params(), details=details)


def _by_another(cell: Cell, name: str, fits: dict[int, Fitted]) -> list[Measurement]:
    """The same by another probe; each has a protocol of its own, so nothing is ranked across probes."""
    if name == PIXEL_PROBE:
        conditionings = {
            seed: tuple(
                fits[seed].conditioning(cell.streams(split), str(cell.candidate)) for split in ("train", "test")
            )
            for seed in cell.seeds
        }
        return [pixel_measurement(cell, conditionings)]
    reading = read_boxes(cell, partial(probe_of, name), seeds_of(cell, name), fits)
    return [replace(found, probe_choices=reading.choices) for found in box_measurements(cell, reading)]


def pixel_measurement(cell: Cell, conditionings: dict[int, tuple[Conditioning, ...]]) -> Measurement:
    """R2 of pixels given tokens by ``linear_pixels``. ``conditionings``: train and test by seed"""
    rows = []
    for train, test in conditionings.values():
        probe = LinearPixels()
        probe.fit(train, cell.split("train").batches(train.batch))
        rows.append(probe.r2(test, cell.split("test").batches(test.batch)))
    return Measurement(
        metric="r2",
        unit="ratio",
        direction="higher",
        range=(None, 1.0),
        values=np.stack(rows),
        probe=probe.name,
        probe_choices=probe.choices(),
        seeds=tuple(conditionings),
    )


def _pictures(cell: Cell, detections: list[Detections], ious: Values | None) -> tuple[Picture, ...]:
    test = cell.split("test")
    shown = list(range(min(SHOWN // 2, len(test))))
    if ious is not None:
        worst = np.argsort(np.where(np.isnan(ious), np.inf, ious), kind="stable")
        shown += [int(index) for index in worst if int(index) not in shown][: SHOWN - len(shown)]
    counts = test.labels.object_counts()
    clips = test.take(shown)
    return tuple(
        Picture(
            kind="boxes",
            sample=test.labels.ids[index],
            pixels=clip[-1],
            metric="iou",
            value=float(ious[index]) if ious is not None and np.isfinite(ious[index]) else None,
            boxes_true=test.labels.boxes[index].tolist(),
            boxes_predicted=detections[index].boxes[: counts[index]].tolist(),
            label="as they come" if place < SHOWN // 2 else "worst",
        )
        for place, (index, clip) in enumerate(zip(shown, clips, strict=True))
    )
