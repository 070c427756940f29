"""Suite ``spatial``: can objects be found in the conditioning grid? Read by the primary probe, controls beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foresight_harness.contracts.outcomes import ControlVerdict, Measurement, Outcome, Picture, Values
from foresight_harness.contracts.probes import Detections
from foresight_harness.contracts.specs import ProbeSpec
from foresight_harness.measuring.conditioning import Conditioning
from foresight_harness.measuring.suites.probing import box_measurements, fits_of, read_boxes, seeds_of
from foresight_harness.measuring.suites.spatial_controls import judge_cell
from foresight_harness.measuring.suites.stream_shares import stream_shares

if TYPE_CHECKING:
    from foresight_harness.measuring.fitting.objectives import Fitted
    from foresight_harness.measuring.workshop.cell import Cell

SHOWN = 6
"""Pictures a cell shows: half the worst, half as they come."""


def protocol(cell: Cell) -> dict[str, Any]:
    """The probe's choices, and the budget of trained modules."""
    return {
        **{f"probe_{name}": value for name, value in cell.workshop.registry.primary_probe.build().choices().items()},
        **cell.recipe_for_places().choices(),
    }


def score(cell: Cell) -> Outcome:
    """Measure, then say what controls scored on the same pictures with the same probe."""
    return with_controls(*cell.calibrated(measure, judge_cell))


def with_controls(outcome: Outcome, controls: ControlVerdict) -> Outcome:
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
    registry = cell.workshop.registry
    asked = [registry.probe(name) for name in dict.fromkeys(cell.workshop.options.probes)]
    others = [spec for spec in asked if not spec.primary]
    seeds = {seed for spec in others for seed in seeds_of(cell, spec)}
    fits = fits_of(cell, sorted(seeds | set(cell.seeds)))
    reading = read_boxes(cell, registry.primary_probe.of_boxes, cell.seeds, fits)
    measurements = box_measurements(cell, reading)
    for spec in others:
        measurements += _by_another(cell, spec, fits)
    ious = next((entry.values for entry in measurements if entry.metric == "iou"), None)
    pictures = _pictures(cell, reading.found[0], ious[0] if ious is not None else None)
    fitted = fits[cell.seeds[0]]
    shares = stream_shares(cell, fitted)
    if shares is not None:
        # On one record only: a map a picture and stream, at every metric, would be most of the run's records.
        measurements[0] = replace(measurements[0], details={**measurements[0].details, "stream_shares": shares})
    details = {"fit": fitted.convergence.as_json()} if fitted.convergence else {}
    return Outcome(tuple(measurements), pictures, params=fitted.params(), details=details)


def _by_another(cell: Cell, spec: ProbeSpec, fits: dict[int, Fitted]) -> list[Measurement]:
    """The same by another probe; each has a protocol of its own, so nothing is ranked across probes."""
    if spec.reads == "pixels":
        conditionings = {
            seed: tuple(
                fits[seed].conditioning(cell.streams(split), str(cell.candidate)) for split in ("train", "test")
            )
            for seed in cell.seeds
        }
        return [_pixel_measurement(cell, spec, conditionings)]
    reading = read_boxes(cell, spec.of_boxes, seeds_of(cell, spec), fits)
    return [replace(found, probe_choices=reading.choices) for found in box_measurements(cell, reading)]


def _pixel_measurement(cell: Cell, spec: ProbeSpec, conditionings: dict[int, tuple[Conditioning, ...]]) -> Measurement:
    """R2 of pixels given tokens by a probe of pixels. ``conditionings``: train and test by seed"""
    rows = []
    for train, test in conditionings.values():
        probe = spec.of_pixels()
        probe.fit(train, cell.split("train"))
        rows.append(probe.r2(test, cell.split("test")))
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
