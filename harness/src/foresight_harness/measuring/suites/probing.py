"""Boxes that a probe reads from a candidate's conditioning, and their scores: shared by ``spatial`` and ``audit``."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from foresight_harness.contracts.outcomes import Measurement, Values, of_metric
from foresight_harness.contracts.probes import Detections, Probe
from foresight_harness.contracts.specs import ProbeFacts
from foresight_harness.measuring.extraction.splits import SPLITS
from foresight_harness.measuring.fitting.objectives import Fitted
from foresight_harness.measuring.workshop.kept_readings import KeptReading
from foresight_harness.parts.metrics.average_precision import match_picture
from foresight_harness.parts.metrics.boxes import centres, matched_pairs
from foresight_harness.parts.metrics.by_object import average_precision_of_classes, picture_by_object
from foresight_harness.parts.metrics.matches import SortedMatches
from foresight_harness.planning.plugin_calls import calling

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell

AP_THRESHOLDS = {"map50": 0.5, "map75": 0.75}
PLACED = "centre_error"
"""Whose record also says where objects were and where they were found."""
CENTRES = 100
"""Objects of which it says so, those of the first pictures."""
PARTED = "map50"
"""Whose statistics also say what was found of each single object."""


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
            train, test = (fits[seed].conditioning(cell.streams(split), name) for split in SPLITS)
            with calling(probe, "fit", random=True):
                probe.fit(train, cell.split("train").labels, seed)
            with calling(probe, "predict", random=True):
                detections = probe.predict(test, counts)
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
            with calling(metric, "call", random=True):
                rows.append(metric(first, truth).numpy())
        own = shared | ({"details": {**reading.details, **_places(reading, truth)}} if spec.name == PLACED else {})
        measurements.append(of_metric(spec, np.stack(rows), seeds=reading.seeds, **own))
    iou = next((entry for entry in measurements if entry.metric == "iou"), None)
    measurements += [_average_precision(cell, name, reading) for name in thresholds]
    return measurements + (_by_count(iou, counts) if iou is not None else [])


def _places(reading: Reading, truth: Sequence[Tensor]) -> dict[str, Any]:
    """Centres of the first objects, true and as they were found under the first seed: ``[x, y, found x, found y]``."""
    rows: list[list[float]] = []
    for detections, boxes in zip(reading.found[0], truth, strict=True):
        if len(rows) >= CENTRES:
            break
        found, true = matched_pairs(detections.boxes[: len(boxes)], boxes)
        pairs = torch.cat([centres(boxes[true]), centres(detections.boxes[found])], dim=1)
        rows += [[round(float(value), 3) for value in pair] for pair in pairs]
    return {"centres": rows[:CENTRES]} if rows else {}


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
    stats: list[list[dict[str, Any]]] = [[entry.as_json() for entry in matches] for matches in per_seed]
    details: dict[str, Any] = {**reading.details, "by_seed": values}
    if name == PARTED:
        _part(cell, reading, stats)
        details |= _of_classes(cell, reading)
    return Measurement(
        metric=name,
        unit="ratio",
        direction="higher",
        range=(0.0, 1.0),
        value=float(np.mean(values)),
        stats=stats,
        probe=reading.probe,
        seeds=reading.seeds,
        details=details,
    )


def _part(cell: Cell, reading: Reading, stats: list[list[dict[str, Any]]]) -> None:
    """Add what was found of single objects, by class, size and place, to the statistics of the pictures."""
    labels = cell.split("test").labels
    for detections, pictures in zip(reading.found, stats, strict=True):
        for index, (entry, picture) in enumerate(zip(detections, pictures, strict=True)):
            names = labels.names[index] if labels.names else ()
            boxes, crowds, least = labels.boxes[index], labels.crowds_of(index), AP_THRESHOLDS[PARTED]
            picture |= picture_by_object(entry.boxes, entry.scores, boxes, names, crowds, least)


def _of_classes(cell: Cell, reading: Reading) -> dict[str, Any]:
    """Average precision of each class, the mean over seeds; nothing where objects have no class or there are crowds,
    which lie in no class of their own here."""
    labels = cell.split("test").labels
    if not labels.names or not all(labels.names) or len({name for each in labels.names for name in each}) < 2:
        return {}
    if any(len(labels.crowds_of(index)) for index in range(len(labels))):
        return {}
    found: dict[str, list[float]] = {}
    for detections in reading.found:
        boxes, scores = [entry.boxes for entry in detections], [entry.scores for entry in detections]
        truth = list(labels.boxes)
        for each, value in average_precision_of_classes(
            boxes, scores, truth, labels.names, AP_THRESHOLDS[PARTED]
        ).items():
            found.setdefault(each, []).append(value)
    return {"by_class": {each: float(np.mean(values)) for each, values in found.items()}}


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
