"""Whole pictures in their own aspect, on sides that the network's grids divide."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_torchvision.presets import Preset


def fitting_side(side_px: float, preset: Preset) -> int:
    """The nearest multiple of ``step_px``, at least one."""
    return max(1, round(side_px / preset.step_px)) * preset.step_px


def preprocess(frames: Tensor, shorter_px: int, preset: Preset, dtype: torch.dtype) -> Tensor:
    """Resize, then normalise; nothing is cropped, so that every object keeps its place.

    Args:
        frames: Pixels in [0, 1]. [N, 3, H_px, W_px]
        shorter_px: Shorter side after resizing.
        preset: Sides, interpolation, mean and standard deviation.
        dtype: Of the result; the resize itself runs in float32.

    Returns:
        [N, 3, H_px', W_px']
    """
    rows, cols = (int(side) for side in frames.shape[-2:])
    scale = shorter_px / min(rows, cols)
    sides = fitting_side(rows * scale, preset), fitting_side(cols * scale, preset)
    frames = frames.float()
    if (rows, cols) != sides:
        frames = F.interpolate(frames, sides, mode=preset.interpolation, align_corners=False, antialias=True)
        frames = frames.clamp(0, 1)
    mean, std = (torch.tensor(values, device=frames.device).reshape(1, 3, 1, 1) for values in preset.colours)
    return ((frames - mean) / std).to(dtype)
