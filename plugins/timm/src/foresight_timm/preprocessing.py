"""Whole pictures, squashed to the square that the model was trained on."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_timm.presets import Colours


def preprocess(
    frames: Tensor, side_px: int, colours: tuple[Colours, Colours], interpolation: str, dtype: torch.dtype
) -> Tensor:
    """Squash to a square, then normalise.

    Nothing is cropped and nothing is padded, so a token of row ``r`` of ``R`` covers the same share of every picture;
    shapes lose their aspect instead.

    Args:
        frames: Pixels in [0, 1]. [N, 3, H_px, W_px]
        side_px: Side of the square.
        colours: Mean and standard deviation.
        interpolation: ``bicubic``, ``bilinear`` or ``nearest``.
        dtype: Of the result; the resize itself runs in float32.

    Returns:
        [N, 3, side_px, side_px]
    """
    frames = frames.float()
    if tuple(frames.shape[-2:]) != (side_px, side_px):
        smooth: dict[str, bool] = {} if interpolation == "nearest" else {"align_corners": False, "antialias": True}
        frames = F.interpolate(frames, (side_px, side_px), mode=interpolation, **smooth).clamp(0, 1)
    mean, std = (torch.tensor(values, device=frames.device).reshape(1, 3, 1, 1) for values in colours)
    return ((frames - mean) / std).to(dtype)
