"""What was found of each single object, and average precision of a part of the objects: by class, size and place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from foresight_harness.parts.metrics.average_precision import Checked, average_precision_by_class
from foresight_harness.parts.metrics.boxes import DIAGONAL, match_checked, overlap_of_checked, require_boxes

SMALL, LARGE = 0.01, 0.1
"""Shares of the picture below which an object is small, and from which it is large."""
MARGIN = 1 / 6
"""Share of a side: an object whose centre lies nearer to an edge is at the border; the middle is 4/9 of the picture."""
BY = ("class", "size", "place")
"""Ways in which the objects of a data set are parted."""


def size_of(box: Sequence[float]) -> str:
    """``small``, ``medium`` or ``large``, by the share of the picture that the box covers."""
    share = (box[2] - box[0]) * (box[3] - box[1])
    return "small" if share < SMALL else "medium" if share < LARGE else "large"


def place_of(box: Sequence[float]) -> str:
    """``border`` or ``middle``, by the box's centre."""
    centre = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    return "middle" if all(MARGIN <= value <= 1 - MARGIN for value in centre) else "border"


def parts_of(boxes: Tensor, names: Sequence[str]) -> list[dict[str, str]]:
    """For each object, its part in each way of parting that applies: no class where it has no name.

    Args:
        boxes: [M, 4] xyxy in [0, 1]
        names: Classes. M, or nothing
    """
    corners = [[float(value) for value in box] for box in boxes]
    found = [{"size": size_of(box), "place": place_of(box)} for box in corners]
    return [{"class": name, **part} for name, part in zip(names, found, strict=True)] if names else found


def owners(boxes: Tensor, objects: Tensor) -> list[int]:
    """The object that each detection is counted for: of greatest overlap, of nearest centre where it overlaps none.

    Args:
        boxes: Detections. [N, 4]
        objects: At least one. [M, 4]
    """
    boxes, objects = require_boxes(boxes, "boxes"), require_boxes(objects, "objects")
    iou = overlap_of_checked(boxes, objects)
    away = torch.cdist((boxes[:, :2] + boxes[:, 2:]) / 2, (objects[:, :2] + objects[:, 2:]) / 2)
    # A distance is below 2, so that any overlap counts more than every distance.
    return (torch.where(iou > 0, 2 + iou, -away)).argmax(dim=1).tolist()


def each_object(predicted: Tensor, objects: Tensor) -> tuple[list[float], list[float]]:
    """IoU and centre distance of every object with its matched prediction; 0 and the diagonal where it has none.

    Their means over a picture are ``matched_iou`` and ``centre_error``.

    Args:
        predicted: [N, 4]
        objects: [M, 4]
    """
    ious, errors = [0.0] * len(objects), [DIAGONAL] * len(objects)
    predicted, objects = require_boxes(predicted, "predicted"), require_boxes(objects, "objects")
    rows, columns = match_checked(predicted, objects)
    overlap = overlap_of_checked(predicted, objects)
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        ious[column] = float(overlap[row, column])
        centres = (predicted[row, :2] + predicted[row, 2:] - objects[column, :2] - objects[column, 2:]) / 2
        errors[column] = float(centres.norm())
    return ious, errors


def picture_by_object(
    boxes: Tensor, scores: Tensor, objects: Tensor, names: Sequence[str], crowds: Tensor, threshold: float
) -> dict[str, Any]:
    """What one picture adds to the numbers by class, size and place. JSON types

    Args:
        boxes: Detections, best first; the first M are those that IoU is read from. [N, 4]
        scores: [N]
        objects: [M, 4]
        names: Their classes. M, or nothing
        crowds: [K, 4]
        threshold: IoU from which a detection is a hit.

    Returns:
        ``each``: IoU, centre error and parts of every object. ``parts``: what ``PictureMatches`` holds, by way of
        parting and part, of the objects and detections of that part.
    """
    ious, errors = each_object(boxes[: len(objects)], objects)
    parts = parts_of(objects, names)
    each = [{"iou": iou, "centre_error": error, **part} for iou, error, part in zip(ious, errors, parts, strict=True)]
    found: dict[str, dict[str, Any]] = {}
    owned = owners(boxes, objects) if len(objects) else []
    whole = Checked.of(boxes, scores, objects, crowds)
    for way in BY:
        for name in sorted({part[way] for part in parts if way in part}):
            mine = [number for number, part in enumerate(parts) if part[way] == name]
            chosen = [number for number, owner in enumerate(owned) if parts[owner][way] == name]
            found.setdefault(way, {})[name] = whole.part(chosen, mine).matches(threshold).as_json()
    return {"each": each, "parts": found}


def average_precision_of_classes(
    boxes: Sequence[Tensor],
    scores: Sequence[Tensor],
    objects: Sequence[Tensor],
    names: Sequence[Sequence[str]],
    threshold: float,
) -> Mapping[str, float]:
    """Average precision of each class that has an object, each detection counted for the class of its object.

    Probes say where objects are and not what they are: a class is lost where its objects are not found, never for
    being taken for another. Detections of pictures without objects count for no class.

    Args:
        boxes: B x [N_i, 4]
        scores: B x [N_i]
        objects: B x [M_i, 4]
        names: B x M_i
        threshold: IoU from which a detection is a hit.
    """
    pictures = [place for place, each in enumerate(objects) if len(each)]
    named = [[names[place][owner] for owner in owners(boxes[place], objects[place])] for place in pictures]
    found = average_precision_by_class(
        [boxes[place] for place in pictures],
        [scores[place] for place in pictures],
        named,
        [objects[place] for place in pictures],
        [names[place] for place in pictures],
        thresholds=(threshold,),
    )
    return {name: values[threshold] for name, values in found.items()}
