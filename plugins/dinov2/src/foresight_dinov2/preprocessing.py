"""Pictures as DINOv2 wants them, whole: no centre crop, so that every object keeps its place."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_dinov2.presets import MEAN, PATCH_PX, STD


def resized_sides(rows_px: int, cols_px: int, shorter_px: int) -> tuple[int, int]:
    """Rows and columns after the shorter side became ``shorter_px``, each rounded to a multiple of the patch."""
    scale = shorter_px / min(rows_px, cols_px)
    rows, cols = (max(1, round(side * scale / PATCH_PX)) * PATCH_PX for side in (rows_px, cols_px))
    return rows, cols


def preprocess(frames: Tensor, shorter_px: int, dtype: torch.dtype) -> Tensor:
    """Resize, then normalise.

    Args:
        frames: Pixels in [0, 1]. [N, 3, H_px, W_px]
        shorter_px: Shorter side after resizing.
        dtype: Of the result; the resize itself runs in float32.

    Returns:
        Both sides are multiples of the patch. [N, 3, H_px', W_px']
    """
    sides = resized_sides(int(frames.shape[-2]), int(frames.shape[-1]), shorter_px)
    frames = frames.float()
    if tuple(frames.shape[-2:]) != sides:
        frames = F.interpolate(frames, sides, mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
    mean = torch.tensor(MEAN, device=frames.device).reshape(1, 3, 1, 1)
    std = torch.tensor(STD, device=frames.device).reshape(1, 3, 1, 1)
    return ((frames - mean) / std).to(dtype)
