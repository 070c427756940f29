"""Whole pictures as each family's published processor resizes them; nothing is cropped."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_detectors.sizes import Size

LONGEST = 1333 / 800
"""DETR's processor lets the longer side grow to this multiple of the shorter one's target, and no further."""
PADDING = 0.0
"""What OWLv2's processor fills the square with below and to the right of the picture, before normalising."""


@dataclass(frozen=True)
class Shown:
    """Pictures as a network gets them."""

    pixels: Tensor
    """[N, 3, H_px, W_px]"""
    rows_px: int
    """Of them, rows that show the picture; the rest is padding, below it."""
    cols_px: int
    """The same, of columns; padding lies to the right."""


def resized_sides(rows_px: int, cols_px: int, input_px: int, size: Size) -> tuple[int, int]:
    """Rows and columns of the resized picture, each the nearest multiple of the step, at least one."""
    step = size.step_px
    if size.resize == "squash":
        return (max(step, input_px // step * step),) * 2
    if size.resize == "padded square":
        longest = max(1, input_px // step) * step
        scale = longest / max(rows_px, cols_px)
        return _nearest(rows_px * scale, step, longest), _nearest(cols_px * scale, step, longest)
    scale = min(input_px / min(rows_px, cols_px), LONGEST * input_px / max(rows_px, cols_px))
    return _nearest(rows_px * scale, step), _nearest(cols_px * scale, step)


def _nearest(side_px: float, step: int, most: int | None = None) -> int:
    nearest = max(1, round(side_px / step)) * step
    return nearest if most is None else min(nearest, most)


def preprocess(frames: Tensor, input_px: int, size: Size, dtype: torch.dtype) -> Shown:
    """Resize, pad where the family does, normalise.

    Args:
        frames: Pixels in [0, 1]. [N, 3, H_px, W_px]
        input_px: Side that the family's rule is about: both, the longer, or the shorter one.
        size: Says the rule, interpolation and colours.
        dtype: Of the result; the resize itself runs in float32.
    """
    rows, cols = resized_sides(int(frames.shape[-2]), int(frames.shape[-1]), input_px, size)
    frames = frames.float()
    if tuple(frames.shape[-2:]) != (rows, cols):
        frames = F.interpolate(frames, (rows, cols), mode=size.interpolation, align_corners=False, antialias=True)
        frames = frames.clamp(0, 1)
    if size.resize == "padded square":
        side = max(rows, cols)
        frames = F.pad(frames, (0, side - cols, 0, side - rows), value=PADDING)
    mean, std = (torch.tensor(values, device=frames.device).reshape(1, 3, 1, 1) for values in size.colours)
    return Shown(((frames - mean) / std).to(dtype), rows, cols)
