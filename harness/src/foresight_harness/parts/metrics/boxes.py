"""Predicted against true boxes, per picture: overlap, place and size. Boxes are xyxy in [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from foresight_harness.contracts.errors import DataError

DIAGONAL = math.sqrt(2.0)
"""Greatest distance of two centres in one picture, in units of its side."""

TOLERANCE = 1e-5
"""Float32 corners made from centre and size leave [0, 1] by rounding, not by more than this."""

TIE_BREAK = 1e-9
"""Weight of the centre distance in matching: it decides only between matchings of equal overlap."""


def require_boxes(boxes: Tensor, what: str) -> Tensor:
    """Boxes as metrics read them; a box without area is allowed.

    Returns:
        Corners clamped to [0, 1]. [N, 4] float64

    Raises:
        DataError: if the shape is another, a value is not finite or out of range, or corners are swapped.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise DataError(f"{what}: boxes are [N, 4], got shape {tuple(boxes.shape)}")
    if boxes.shape[0] == 0:
        return boxes.detach().to(torch.float64)
    corners = boxes.detach().to(torch.float64)
    if _are_sound(corners):
        return corners.clamp(0.0, 1.0)
    finite = torch.isfinite(corners).all(dim=1)
    if not finite.all():
        raise DataError(f"{what}: box {int((~finite).nonzero()[0])} is {_show(corners, ~finite)}, not finite")
    outside = ((corners < -TOLERANCE) | (corners > 1 + TOLERANCE)).any(dim=1)
    if outside.any():
        raise DataError(f"{what}: box {_show(corners, outside)} leaves [0, 1]. Are these pixels? Divide by the side.")
    swapped = (corners[:, 2:] < corners[:, :2]).any(dim=1)
    if swapped.any():
        raise DataError(f"{what}: box {_show(corners, swapped)} has x2 < x1 or y2 < y1. Is it x, y, width, height?")
    return corners.clamp(0.0, 1.0)


def _are_sound(corners: Tensor) -> bool:
    """Whether nothing is wrong with boxes, asked at once: thousands of handfuls are checked a run. [N, 4]"""
    found = corners.cpu().numpy()
    # A comparison with NaN is false.
    inside = found.min() >= -TOLERANCE and found.max() <= 1 + TOLERANCE
    return bool(inside and (found[:, 2:] >= found[:, :2]).all())


def pairwise_iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of every pair; 0 where both boxes are without area.

    Args:
        first: [N, 4]
        second: [M, 4]

    Returns:
        Values in [0, 1]. [N, M] float64
    """
    return _overlap(require_boxes(first, "first"), require_boxes(second, "second"))[0]


def pairwise_giou(first: Tensor, second: Tensor) -> Tensor:
    """Generalised IoU of every pair: IoU less the share of the enclosing box that neither box fills.

    Where the enclosing box has no area (two boxes without area on one line) the value is -1, the worst.

    Returns:
        Values in [-1, 1]. [N, M] float64

    Source: Rezatofighi et al., arXiv 1902.09630; they leave boxes without area undefined.
    """
    first, second = require_boxes(first, "first"), require_boxes(second, "second")
    iou, union = _overlap(first, second)
    low = torch.minimum(first[:, None, :2], second[None, :, :2])
    high = torch.maximum(first[:, None, 2:], second[None, :, 2:])
    hull = (high - low).prod(dim=2)
    empty_share = torch.where(hull > 0, (hull - union) / hull.clamp_min(torch.finfo(hull.dtype).tiny), 1.0)
    return iou - empty_share


def matched_pairs(predicted: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    """One-to-one matching of the greatest total IoU; among equals the one of least centre distance.

    Args:
        predicted: [N, 4]
        true: [M, 4]

    Returns:
        Indices into ``predicted`` and ``true`` of min(N, M) pairs, some perhaps without overlap. [K] int64, [K] int64
    """
    return match_checked(require_boxes(predicted, "predicted"), require_boxes(true, "true"))


def matched_iou(output: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
    """Mean over the true objects of the IoU of their matched prediction; an object without one counts 0.

    Predictions beyond the true objects are not punished: average precision does that.

    Args:
        output: Predicted boxes. B x [N_i, 4]
        target: True boxes. B x [M_i, 4]

    Returns:
        Values in [0, 1]; NaN for a picture without true objects. [B] float64
    """
    return _per_picture(output, target, _diagonal_iou, absent=0.0)


def centre_error(output: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
    """Mean over the true objects of the distance to the centre of their matched prediction.

    Distances are in units of the picture's sides. An object without a prediction counts the picture's diagonal,
    sqrt(2): a missing prediction is never better than any prediction.

    Args:
        output: Predicted boxes. B x [N_i, 4]
        target: True boxes. B x [M_i, 4]

    Returns:
        Values in [0, sqrt(2)]; NaN for a picture without true objects. [B] float64
    """
    return _per_picture(
        output, target, lambda boxes, objects: (centres(boxes) - centres(objects)).norm(dim=1), absent=DIAGONAL
    )


def size_error(output: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
    """Mean over the true objects of ``1 - smaller / larger`` of width and of height against the matched prediction.

    This is 1 - exp(-|log ratio|): too large and too small count alike, and twice the width counts 0.5. An object
    without a prediction counts 1, as does a side of length 0 against another length; two such sides are equal.

    Args:
        output: Predicted boxes. B x [N_i, 4]
        target: True boxes. B x [M_i, 4]

    Returns:
        Values in [0, 1]; NaN for a picture without true objects. [B] float64
    """
    return _per_picture(output, target, _size_difference, absent=1.0)


def _per_picture(
    output: Sequence[Tensor],
    target: Sequence[Tensor],
    compare: Callable[[Tensor, Tensor], Tensor],
    *,
    absent: float,
) -> Tensor:
    if len(output) != len(target):
        raise DataError(f"boxes of {len(output)} pictures predicted, but {len(target)} pictures have labels")
    values = torch.full((len(target),), math.nan, dtype=torch.float64)
    for index, (boxes, objects) in enumerate(zip(output, target, strict=True)):
        boxes = require_boxes(boxes, f"output[{index}]").cpu()
        objects = require_boxes(objects, f"target[{index}]").cpu()
        count = objects.shape[0]
        if count == 0:
            continue
        rows, cols = match_checked(boxes, objects)
        matched = compare(boxes[rows], objects[cols]).sum()
        values[index] = (matched + absent * (count - len(cols))) / count
    return values


def overlap_of_checked(first: Tensor, second: Tensor) -> Tensor:
    """``pairwise_iou`` of what ``require_boxes`` gave. [N, M]"""
    return _overlap(first, second)[0]


def match_checked(predicted: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    """``matched_pairs`` of what ``require_boxes`` gave. [K] int64, [K] int64"""
    if min(predicted.shape[0], true.shape[0]) == 0:
        return torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64)
    if predicted.shape[0] == true.shape[0] == 1:
        return torch.zeros(1, dtype=torch.int64), torch.zeros(1, dtype=torch.int64)
    gain = _overlap(predicted, true)[0] - TIE_BREAK * torch.cdist(centres(predicted), centres(true))
    rows, cols = linear_sum_assignment(gain.cpu().numpy(), maximize=True)
    return torch.as_tensor(rows, dtype=torch.int64), torch.as_tensor(cols, dtype=torch.int64)


def _overlap(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and union of every pair of checked boxes. [N, M], [N, M]"""
    low = torch.maximum(first[:, None, :2], second[None, :, :2])
    high = torch.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = (high - low).clamp_min(0).prod(dim=2)
    areas_first = (first[:, 2:] - first[:, :2]).prod(dim=1)
    areas_second = (second[:, 2:] - second[:, :2]).prod(dim=1)
    union = areas_first[:, None] + areas_second[None, :] - shared
    return torch.where(union > 0, shared / union.clamp_min(torch.finfo(union.dtype).tiny), 0.0), union


def _diagonal_iou(first: Tensor, second: Tensor) -> Tensor:
    """IoU of equal rows. [K, 4], [K, 4] -> [K]"""
    return _overlap(first, second)[0].diagonal()


def centres(boxes: Tensor) -> Tensor:
    """Middles of boxes. [N, 4] -> [N, 2]"""
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _size_difference(first: Tensor, second: Tensor) -> Tensor:
    sides_first, sides_second = first[:, 2:] - first[:, :2], second[:, 2:] - second[:, :2]
    larger = torch.maximum(sides_first, sides_second)
    smaller = torch.minimum(sides_first, sides_second)
    ratio = torch.where(larger > 0, smaller / larger.clamp_min(torch.finfo(larger.dtype).tiny), 1.0)
    return (1 - ratio).mean(dim=1)


def _show(corners: Tensor, where: Tensor) -> str:
    first = corners[where][0]
    return "(" + ", ".join(f"{float(value):.4g}" for value in first) + ")"
