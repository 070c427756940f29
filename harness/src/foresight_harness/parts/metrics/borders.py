"""Where decoded pictures are wrong: along the edges of objects and of the picture, against everywhere else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.guards import require_pair

NEAR = 1 / 64
"""How near to an object's edge a pixel is at it, in shorter sides of the picture; at least one pixel."""
FRAME = 1 / 16
"""Width of the picture's border, in its sides; at least one pixel."""
LEAST_ERROR = 1 / 2550
"""A tenth of a step of 8 bits: where errors stay below it, there is nothing to be at one place or another."""


class Parted(NamedTuple):
    """Mean absolute error of each sample in two parts of its pixels, peak 1; NaN where a part is empty."""

    there: Tensor
    """At the edges or at the border. [B] float64"""
    elsewhere: Tensor
    """[B] float64"""

    @property
    def lean(self) -> Tensor:
        """``there / (there + elsewhere)``: 0.5 where errors are as large, 1 where all of it is there.

        Bounded, so that one nearly perfect picture does not outweigh all others as a quotient would. NaN where a part
        is empty, or the error in both is below ``LEAST_ERROR``. [B] float64 in [0, 1]
        """
        known = torch.maximum(self.there, self.elsewhere) >= LEAST_ERROR
        return torch.where(known, self.there / (self.there + self.elsewhere), math.nan)


def error_at_edges(output: Tensor, target: Tensor, masks: Sequence[Tensor]) -> Parted:
    """Errors of pixels near the edge of an object, on either side of it, and of all others.

    Where the picture cuts an object off, there is no edge of it.

    Args:
        output: [B, T, 3, H_px, W_px] in [0, 1]
        target: [B, T, 3, H_px, W_px] in [0, 1]
        masks: Of each sample, one plane an object. B tensors [T, N, H_px, W_px]

    Raises:
        DataError: if masks and clips are not of the same samples, frames and size.
    """
    output, target = require_pair(output, target)
    if len(masks) != len(output):
        raise DataError(f"masks of {len(masks)} samples for {len(output)} clips")
    for planes in masks:
        if planes.ndim != 4 or planes.shape[0] != output.shape[1] or planes.shape[2:] != output.shape[3:]:
            raise DataError(f"masks are [T, N, H_px, W_px] of the clip, got {tuple(planes.shape)}")
    return _parted(output, target, torch.stack([near_edges(planes) for planes in masks]).to(output.device))


def error_at_border(output: Tensor, target: Tensor) -> Parted:
    """Errors of pixels at the picture's own border, and of all others. Arguments as of ``error_at_edges``."""
    output, target = require_pair(output, target)
    border = torch.ones(output.shape[3:], dtype=torch.bool, device=output.device)
    rows, cols = (max(1, round(FRAME * side)) for side in border.shape)
    border[rows:-rows, cols:-cols] = False
    return _parted(output, target, border.expand(len(output), output.shape[1], -1, -1))


def near_edges(masks: Tensor) -> Tensor:
    """Pixels with both inside and outside of one object in reach. [T, N, H_px, W_px] -> [T, H_px, W_px] bool"""
    reach = max(1, round(NEAR * min(masks.shape[2:])))
    if not masks.shape[1]:
        return masks.new_zeros((masks.shape[0], *masks.shape[2:]), dtype=torch.bool)
    inside, outside = (
        max_pool2d(planes.float(), 2 * reach + 1, stride=1, padding=reach) > 0 for planes in (masks, ~masks.bool())
    )
    return (inside & outside).any(dim=1)


def _parted(output: Tensor, target: Tensor, part: Tensor) -> Parted:
    """Mean errors inside and outside of a part of the pixels. ``part`` is [B, T, H_px, W_px]."""
    error = (output - target).abs().mean(dim=2, dtype=torch.float64).flatten(1)
    there = part.flatten(1)
    return Parted(_mean(error, there), _mean(error, ~there))


def _mean(error: Tensor, part: Tensor) -> Tensor:
    """Of the chosen pixels of each sample; 0 of 0 is NaN. [B, P], [B, P] -> [B]"""
    return ((error * part).sum(dim=1) / part.sum(dim=1)).cpu()
