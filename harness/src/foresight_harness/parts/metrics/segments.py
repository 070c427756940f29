"""Whether objects are still where they were: the decoded picture is cut up by the target's own colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.guards import require_pair

Plane = NDArray[np.float64]
Mask = NDArray[np.bool_]

SMOOTHING = 1 / 96
"""Deviation of the blur that output and target get alike, in sides of the picture: under it lies noise, not shape."""
REACH = 1 / 32
"""How far around a pixel colours of object and of background are gathered, in sides of the picture."""
MARGIN = 0.5
"""How far around an object's box it may be found, in sides of the box."""
LEAST_PIXELS = 16
"""Objects with fewer pixels are not looked for."""


def object_iou(output: Tensor, target: Tensor, masks: Sequence[Tensor]) -> Tensor:
    """IoU of objects found in ``output`` with their true masks, mean over objects, then over frames.

    A pixel of the output belongs to an object where its colour is nearer to the object's than to that of the background
    there. Both are the target's: its own blurred colours inside and outside the true masks, continued over the
    boundary. Nothing is learned. The search is confined to the object's box and half its sides around, less what other
    objects cover.

    What it cannot see: an object of the background's colour (it lowers the target's own value, which is the ceiling to
    read beside it), texture within objects, and objects that were added elsewhere.

    Args:
        output: [B, T, 3, H_px, W_px] in [0, 1]
        target: [B, T, 3, H_px, W_px] in [0, 1]
        masks: Of each sample, one plane an object. B tensors [T, N, H_px, W_px]

    Returns:
        Values in [0, 1]; NaN for samples without a mask of ``LEAST_PIXELS``. [B] float64

    Raises:
        DataError: if masks and clips are not of the same samples, frames and size.
    """
    output, target = require_pair(output, target)
    if len(masks) != len(output):
        raise DataError(f"masks of {len(masks)} samples for {len(output)} clips")
    values = torch.full((len(output),), math.nan, dtype=torch.float64)
    for index, planes in enumerate(masks):
        if planes.ndim != 4 or planes.shape[0] != output.shape[1] or planes.shape[2:] != output.shape[3:]:
            raise DataError(f"masks are [T, N, H_px, W_px] of the clip, got {tuple(planes.shape)}")
        frames = [_frame_iou(output[index, frame], target[index, frame], planes[frame]) for frame in range(len(planes))]
        known = [value for value in frames if not math.isnan(value)]
        if known:
            values[index] = sum(known) / len(known)
    return values


def object_iou_of_pair(output: Tensor, target: tuple[Tensor, Sequence[Tensor]]) -> Tensor:
    """``object_iou`` as metrics are called: the target is the pair of clips and masks. -> [B] float64"""
    pictures, masks = target
    return object_iou(output, pictures, masks)


class FoundObject(NamedTuple):
    """One object of one frame."""

    true: Mask
    """[H_px, W_px]"""
    near: Mask
    """Where the output shows it, near its true box. [H_px, W_px]"""
    anywhere: Mask
    """Where the output shows its colours at all, other objects' places aside. [H_px, W_px]"""

    @property
    def iou(self) -> float:
        """Of the true mask and what was found near it."""
        return float((self.near & self.true).sum() / (self.near | self.true).sum())


def _frame_iou(output: Tensor, target: Tensor, masks: Tensor) -> float:
    """Mean IoU over the objects of one frame, NaN without any. [3, H, W], [3, H, W], [N, H, W]"""
    values = [found.iou for found in objects_in_frame(output, target, masks) if found is not None]
    return sum(values) / len(values) if values else math.nan


def objects_in_frame(output: Tensor, target: Tensor, masks: Tensor) -> list[FoundObject | None]:
    """Where the output shows each object; None for those too small to be looked for. [3, H, W], [3, H, W], [N, H, W]"""
    objects: Mask = masks.cpu().numpy().astype(bool)
    if not len(objects):
        return []
    anything: Mask = np.logical_or.reduce(objects, axis=0)
    true = target.cpu().numpy().astype(np.float64)
    side = max(true.shape[1:])
    seen = _blurred(output.cpu().numpy().astype(np.float64), SMOOTHING * side)
    behind = _continued(true, ~anything, side)  # the same for every object
    found: list[FoundObject | None] = []
    for mask in objects:
        own = _continued(true, mask, side) if mask.sum() >= LEAST_PIXELS else None
        if own is None or behind is None:
            found.append(None)
            continue
        nearer = ((seen - own) ** 2).sum(axis=0) < ((seen - behind) ** 2).sum(axis=0)
        free = ~(anything & ~mask)
        found.append(FoundObject(mask, nearer & _window(mask) & free, nearer & free))
    return found


def _continued(picture: Plane, region: Mask, side: int) -> Plane | None:
    """Colours of a region, blurred within it, and beyond it those of its nearest parts; None of an empty region."""
    if not region.any():
        return None
    weights = region.astype(np.float64)
    result = np.broadcast_to(picture[:, region].mean(axis=1)[:, None, None], picture.shape).copy()
    for reach in (8 * REACH * side, 3 * REACH * side, REACH * side):
        total = gaussian_filter(weights, reach)
        near = total > 0.02
        for colour in range(3):
            blurred = gaussian_filter(picture[colour] * weights, reach)
            result[colour][near] = blurred[near] / total[near]
    return result


def _blurred(picture: Plane, deviation: float) -> Plane:
    return np.stack([gaussian_filter(plane, deviation) for plane in picture])


def _window(mask: Mask) -> Mask:
    """The box of a mask and ``MARGIN`` of its sides around."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    window = np.zeros_like(mask)
    slices = []
    for places in (rows, cols):
        extent = places[-1] + 1 - places[0]
        slices.append(slice(max(0, int(places[0] - MARGIN * extent)), int(places[-1] + 1 + MARGIN * extent) + 1))
    window[tuple(slices)] = True
    return window
