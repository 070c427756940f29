"""Whether objects that moved are found where they went: IoU in one decoded frame, of those objects alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.guards import require_pair
from foresight_harness.parts.metrics.segments import objects_in_frame

MOVED = 0.9
"""IoU of an object's masks in two frames below which it has moved between them."""


def moved_between(before: Tensor, after: Tensor) -> Tensor:
    """Which objects have moved. [N, H_px, W_px] bool, twice -> [N] bool"""
    both = (before & after).flatten(1).sum(1)
    either = (before | after).flatten(1).sum(1)
    return torch.where(either > 0, both / either.clamp(min=1), torch.ones(())) < MOVED


def moved_iou(output: Tensor, target: Tensor, masks: Sequence[Tensor], moved: Sequence[Tensor]) -> Tensor:
    """IoU with their true masks of objects that moved, mean over them, as ``decoded_iou`` finds objects.

    Args:
        output: [B, 3, H_px, W_px] in [0, 1]
        target: [B, 3, H_px, W_px] in [0, 1]
        masks: Of each sample, one plane an object. B x [N, H_px, W_px] bool
        moved: Which of them count. B x [N] bool

    Returns:
        Values in [0, 1]; NaN for samples in which nothing that counts is large enough to be looked for. [B] float64

    Raises:
        DataError: if masks are not of the same samples.
    """
    output, target = require_pair(output.unsqueeze(1), target.unsqueeze(1))
    if not len(masks) == len(moved) == len(output):
        raise DataError(f"masks of {len(masks)} samples, {len(moved)} of them parted, for {len(output)} frames")
    values = torch.full((len(output),), math.nan, dtype=torch.float64)
    for index, (planes, counts) in enumerate(zip(masks, moved, strict=True)):
        found = objects_in_frame(output[index, 0], target[index, 0], planes)
        ious = [one.iou for one, counted in zip(found, counts.tolist(), strict=True) if one is not None and counted]
        if ious:
            values[index] = sum(ious) / len(ious)
    return values
