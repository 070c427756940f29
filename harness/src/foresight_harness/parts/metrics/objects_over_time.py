"""Objects of decoded clips from frame to frame: are they all there, and do they stay where they belong?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from foresight_harness.parts.metrics.guards import require_pair
from foresight_harness.parts.metrics.segments import FoundObject, objects_in_frame
from foresight_harness.parts.metrics.target_colours import Mask

THERE = 0.5
"""IoU with its true mask from which an object counts as there."""
COUNT_VARIANT = f"share of frames in which every object has an IoU of {THERE:g} with its mask"
STEADINESS_VARIANT = "correlation of found with true centres over frames and objects, colours sought in the whole frame"


class Kept(NamedTuple):
    """What a decoded clip kept of its objects; NaN for clips without any."""

    complete: Tensor
    """Share of frames whose number of objects is right. [B] float64"""
    steadiness: Tensor
    """Correlation of found with true centres. [B] float64"""


def objects_kept(output: Tensor, target: Tensor, masks: Sequence[Tensor]) -> Kept:
    """Count and steadiness of the objects of clips, found by the target's own colours (``segments.object_iou``).

    An object that is found nowhere counts as lying in the middle of the frame, so that losing it costs steadiness.

    Args:
        output: [B, T, 3, H_px, W_px] in [0, 1]
        target: [B, T, 3, H_px, W_px] in [0, 1]
        masks: Of each sample, one plane an object. B tensors [T, N, H_px, W_px]
    """
    output, target = require_pair(output, target)
    counts, steady = [], []
    for index, planes in enumerate(masks):
        frames = [
            objects_in_frame(output[index, frame], target[index, frame], planes[frame]) for frame in range(len(planes))
        ]
        looked_for = [[found for found in frame if found is not None] for frame in frames]
        right = [all(found.iou >= THERE for found in frame) for frame in looked_for if frame]
        counts.append(sum(right) / len(right) if right else math.nan)
        steady.append(_steadiness([found for frame in looked_for for found in frame]))
    return Kept(torch.tensor(counts, dtype=torch.float64), torch.tensor(steady, dtype=torch.float64))


def _steadiness(objects: Sequence[FoundObject]) -> float:
    if len(objects) < 3:
        return math.nan
    true = np.array([_centre(found.true) for found in objects])
    shown = np.array([_centre(found.anywhere) for found in objects])
    true, shown = true - true.mean(axis=0), shown - shown.mean(axis=0)
    size = float(np.sqrt((true**2).sum() * (shown**2).sum()))
    if not (true**2).sum() > 0:
        return math.nan
    return float((true * shown).sum() / size) if size > 0 else 0.0


def _centre(mask: Mask) -> tuple[float, float]:
    """Row and column in [0, 1]; the middle of an empty mask."""
    if not mask.any():
        return 0.5, 0.5
    rows, cols = np.nonzero(mask)
    return float((rows.mean() + 0.5) / mask.shape[0]), float((cols.mean() + 0.5) / mask.shape[1])
