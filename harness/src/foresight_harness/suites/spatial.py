"""Suite ``spatial``: can objects be found in the conditioning grid? Read by the primary probe, controls beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from foresight_harness.fit.objectives import Fitted
from foresight_harness.metrics.average_precision import SortedMatches, match_picture
from foresight_harness.probes import probe as probe_of
from foresight_harness.probes.base import Detections
from foresight_harness.stats.bootstrap import resamples
from foresight_harness.stats.interval import method_name, percentile_ends
from foresight_harness.suites.calibration import Calibration, calibrate
from foresight_harness.suites.measurement import Measurement, Outcome, Picture, Values, of_metric

if TYPE_CHECKING:
    from foresight_harness.run.cell import Cell

PRIMARY = "dense_ridge"
"""The probe that ranks; docs/measuring.md says why."""

LEVEL = 0.95
AP_THRESHOLDS = {"map50": 0.5, "map75": 0.75}
DETECTION_METRICS = "iou", "centre_error", "size_error"
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
    """The outcome with floor, ceiling and the verdict on the probe."""
    from dataclasses import replace

    measured = tuple(
        replace(
            found,
            floor=controls.floor.get(found.metric),
            floor_by="mean_box" if found.metric in controls.floor else None,
            ceiling=controls.ceiling.get(found.metric),
            ceiling_by="oracle" if found.metric in controls.ceiling else None,
        )
        for found in outcome.measurements
    )
    details = {**outcome.details, "controls": controls.sentences}
    return replace(outcome, measurements=measured, controls_ok=controls.ok, details=details)


def measure(cell: Cell) -> Outcome:
    """Per-sample scores of one candidate, without looking at any other."""
    reads = [_read(cell, seed) for seed in cell.seeds]
    found = [detections for detections, _ in reads]
    fitted = reads[0][1]
    test = cell.split("test")
    truth = list(test.labels.boxes)
    counts = test.labels.object_counts()
    metrics = {spec.name: spec for spec in cell.bench.registry.metrics.values() if spec.compares == "boxes"}
    measurements = []
    for spec in metrics.values():
        metric = spec.build()
        rows: list[Values] = []
        for detections in found:
            first = [entry.boxes[:count] for entry, count in zip(detections, counts, strict=True)]
            rows.append(metric(first, truth).numpy())
        measurements.append(of_metric(spec, np.stack(rows), probe=PRIMARY, seeds=cell.seeds))
    measurements += [_average_precision(cell, name, found) for name in AP_THRESHOLDS]
    measurements += _by_count(measurements[list(metrics).index("iou")], counts) if "iou" in metrics else []
    ious = next((entry.values for entry in measurements if entry.metric == "iou"), None)
    pictures = _pictures(cell, found[0], ious[0] if ious is not None else None)
    details = {"fit": fitted.convergence.as_json()} if fitted.convergence else {}
    return Outcome(tuple(measurements), pictures, params=fitted.params(), details=details)


def _read(cell: Cell, seed: int) -> tuple[list[Detections], Fitted]:
    fitted = cell.fitted_for_places(seed)
    name = str(cell.candidate)
    probe = probe_of(PRIMARY)
    probe.fit(fitted.conditioning(cell.streams("train"), name), cell.split("train").labels, seed)
    counts = cell.split("test").labels.object_counts()
    return probe.predict(fitted.conditioning(cell.streams("test"), name), counts), fitted


def _average_precision(cell: Cell, name: str, found: list[list[Detections]]) -> Measurement:
    labels = cell.split("test").labels
    per_seed = []
    for detections in found:
        matches = [
            match_picture(entry.boxes, entry.scores, boxes, AP_THRESHOLDS[name])
            for entry, boxes in zip(detections, labels.boxes, strict=True)
        ]
        per_seed.append(matches)
    values = [float(SortedMatches.of(matches).average_precision(np.ones((1, len(matches))))[0]) for matches in per_seed]
    drawn = resamples(labels.groups, count=cell.scale.resamples)
    replicates = SortedMatches.of(per_seed[0]).average_precision(drawn.counts[:, drawn.cluster])
    return Measurement(
        metric=name,
        unit="ratio",
        direction="higher",
        range=(0.0, 1.0),
        value=float(np.mean(values)),
        interval=percentile_ends(replicates, LEVEL) if drawn.clusters > 1 else None,
        interval_method=method_name("percentile", LEVEL) if drawn.clusters > 1 else None,
        n=len(labels),
        stats=[json.dumps(entry.as_json(), allow_nan=False) for entry in per_seed[0]],
        probe=PRIMARY,
        seeds=cell.seeds[:1],
        details={"by_seed": values},
    )


def _by_count(iou: Measurement, counts: list[int]) -> list[Measurement]:
    """The same IoU over pictures with that many objects: how fast does it fall?"""
    from dataclasses import replace

    if iou.values is None:
        return []
    found = []
    for objects in (1, 2, 3, 5):
        chosen = np.array(counts) == objects
        if chosen.sum() >= 2:
            values = np.where(chosen[None], iou.values, np.nan)
            found.append(replace(iou, metric=f"iou_{objects}", values=values, details={"objects": objects}))
    return found


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
