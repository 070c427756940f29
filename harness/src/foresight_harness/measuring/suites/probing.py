"""Boxes that a probe reads from a candidate's conditioning, and their scores: shared by ``spatial`` and ``audit``."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foresight_harness.contracts.outcomes import Measurement, Values, of_metric
from foresight_harness.contracts.probes import Detections, Probe
from foresight_harness.contracts.specs import ProbeFacts
from foresight_harness.measuring.fitting.objectives import Fitted
from foresight_harness.measuring.workshop.kept_readings import KeptReading
from foresight_harness.parts.metrics.average_precision import SortedMatches, match_picture

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell

AP_THRESHOLDS = {"map50": 0.5, "map75": 0.75}


@dataclass(frozen=True)
class Reading:
    """What one probe found in one candidate's features, seed by seed."""

    probe: str
    choices: Mapping[str, Any]
    """Of the probe: everything that decides what its number means."""
    seeds: tuple[int, ...]
    found: list[list[Detections]]
    """One list a seed, one entry a test sample."""
    details: Mapping[str, Any] = field(default_factory=dict)


def fits_of(cell: Cell, seeds: Sequence[int]) -> dict[int, Fitted]:
    """The candidate's modules fitted for places by seed; one fit serves all seeds where nothing is trained."""
    if not cell.candidate.trainable:
        return dict.fromkeys(seeds, cell.fitted_for_places(0))
    return {seed: cell.fitted_for_places(seed) for seed in seeds}


def seeds_of(cell: Cell, probe: ProbeFacts) -> tuple[int, ...]:
    """Seeds that a probe is fitted with: one where neither it nor the candidate has anything random."""
    return tuple(range(cell.scale.seeds)) if probe.seeded else cell.seeds


def read_boxes(cell: Cell, make: Callable[[], Probe], seeds: Sequence[int], fits: Mapping[int, Fitted]) -> Reading:
    """Fit a fresh probe for every seed on the train split and let it predict the test split.

    Raises:
        FitError, GridError: as the probe says.
    """
    name = str(cell.candidate)
    counts = cell.split("test").labels.object_counts()
    found = []
    curves: dict[str, Any] = {}
    probe = make()
    for seed in seeds:
        key = key_of(cell, probe, seed)
        kept = cell.workshop.readings.get(key)
        if kept is None:
            probe = make()
            probe.fit(fits[seed].conditioning(cell.streams("train"), name), cell.split("train").labels, seed)
            detections = probe.predict(fits[seed].conditioning(cell.streams("test"), name), counts)
            convergence = getattr(probe, "convergence", None)
            kept = KeptReading(detections, convergence.as_json() if convergence is not None else None)
            cell.workshop.readings.keep(key, kept)
        found.append(kept.found)
        if kept.curve is not None and not curves:
            curves = {"probe_fit": kept.curve}
    return Reading(probe.name, probe.choices(), tuple(seeds), found, curves)


def key_of(cell: Cell, probe: Probe, seed: int) -> Hashable:
    """All that decides what a probe finds: neither the suite that asks nor the decoder is part of it."""
    candidate = cell.candidate.candidate
    choices = json.dumps(probe.choices(), sort_keys=True, default=str)
    return (candidate.streams, candidate.enhancer, candidate.fusion, str(cell.dataset), choices, seed)


def box_measurements(
    cell: Cell, reading: Reading, thresholds: Sequence[str] = tuple(AP_THRESHOLDS)
) -> list[Measurement]:
    """Every box metric on offer, average precision, and IoU by number of objects: per-sample values of one reading."""
    labels = cell.split("test").labels
    truth, counts = list(labels.boxes), labels.object_counts()
    specs = [spec for spec in cell.workshop.registry.metrics.values() if spec.compares == "boxes"]
    shared: dict[str, Any] = {"probe": reading.probe, "details": reading.details}
    measurements = []
    for spec in specs:
        metric = cell.workshop.metrics.built(spec)
        rows: list[Values] = []
        for detections in reading.found:
            first = [entry.boxes[:count] for entry, count in zip(detections, counts, strict=True)]
            rows.append(metric(first, truth).numpy())
        measurements.append(of_metric(spec, np.stack(rows), seeds=reading.seeds, **shared))
    iou = next((entry for entry in measurements if entry.metric == "iou"), None)
    measurements += [_average_precision(cell, name, reading) for name in thresholds]
    return measurements + (_by_count(iou, counts) if iou is not None else [])


def _average_precision(cell: Cell, name: str, reading: Reading) -> Measurement:
    labels = cell.split("test").labels
    per_seed = []
    for detections in reading.found:
        matches = [
            match_picture(entry.boxes, entry.scores, boxes, AP_THRESHOLDS[name], crowds=labels.crowds_of(index))
            for index, (entry, boxes) in enumerate(zip(detections, labels.boxes, strict=True))
        ]
        per_seed.append(matches)
    values = [float(SortedMatches.of(matches).average_precision(np.ones((1, len(matches))))[0]) for matches in per_seed]
    return Measurement(
        metric=name,
        unit="ratio",
        direction="higher",
        range=(0.0, 1.0),
        value=float(np.mean(values)),
        stats=[[entry.as_json() for entry in matches] for matches in per_seed],
        probe=reading.probe,
        seeds=reading.seeds,
        details={**reading.details, "by_seed": values},
    )


def _by_count(iou: Measurement, counts: list[int]) -> list[Measurement]:
    """The same IoU over pictures with that many objects: how fast does it fall?"""
    if iou.values is None:
        return []
    found = []
    for objects in (1, 2, 3, 5):
        chosen = np.array(counts) == objects
        if chosen.sum() >= 2 and not chosen.all():
            values = np.where(chosen[None], iou.values, np.nan)
            found.append(replace(iou, metric=f"iou_{objects}", values=values, details={"objects": objects}))
    return found
