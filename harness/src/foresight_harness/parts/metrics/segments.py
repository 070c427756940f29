"""Whether objects are still where they were: the decoded picture is cut up by the target's own colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.guards import require_pair
from foresight_harness.parts.metrics.target_colours import Mask, colours_of

SMOOTHING = 1 / 96
"""Deviation of the blur that output and target get alike, in sides of the picture: under it lies noise, not shape."""


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
    if not len(masks):
        return []
    colours = colours_of(target, masks)
    if colours.behind is None:
        return [None] * len(colours.objects)
    picture = output.cpu().numpy().astype(np.float64)
    seen = np.stack([gaussian_filter(plane, SMOOTHING * max(picture.shape[1:])) for plane in picture])
    from_behind = ((seen - colours.behind) ** 2).sum(axis=0)
    found: list[FoundObject | None] = []
    for one in colours.objects:
        if one is None:
            found.append(None)
            continue
        nearer = ((seen - one.colours) ** 2).sum(axis=0) < from_behind
        found.append(FoundObject(one.mask, nearer & one.window & one.free, nearer & one.free))
    return found
