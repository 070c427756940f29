"""Fixed pictures for conformance checks: smooth enough to survive resizing, drawn without global state."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def random_clips(size: tuple[int, int], *, batch: int = 1, frames: int = 1, seed: int = 0) -> Tensor:
    """Coloured smooth noise, different in every frame.

    Args:
        size: Rows and columns, in pixels.
        batch: Clips.
        frames: Frames of each clip.
        seed: Of the private generator.

    Returns:
        Values in [0.1, 0.9]. [B, T, 3, H_px, W_px] float32
    """
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch * frames, 3, 7, 7, generator=generator)
    smooth = F.interpolate(coarse, size, mode="bilinear", align_corners=False)
    grain = torch.rand(batch * frames, 3, *size, generator=generator)
    return (0.15 + 0.6 * smooth + 0.1 * grain).clamp(0.1, 0.9).reshape(batch, frames, 3, *size)


def constant_clip(colour: tuple[float, float, float], size: tuple[int, int]) -> Tensor:
    """One picture of one colour. [1, 1, 3, H_px, W_px] float32"""
    return torch.tensor(colour, dtype=torch.float32).reshape(1, 1, 3, 1, 1).expand(1, 1, 3, *size).contiguous()


def touch_cell(clip: Tensor, cell: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    """Repaint the square that one cell of a grid covers, with the colour farthest from what was there.

    Args:
        clip: [T, 3, H_px, W_px]
        cell: Row and column of the cell.
        grid: Rows and columns of the grid that covers the whole picture.

    Returns:
        A copy. [T, 3, H_px, W_px]
    """
    rows_px, cols_px = clip.shape[-2:]
    top, bottom = (round((cell[0] + edge) * rows_px / grid[0]) for edge in (0, 1))
    left, right = (round((cell[1] + edge) * cols_px / grid[1]) for edge in (0, 1))
    touched = clip.clone()
    region = touched[..., top:bottom, left:right]
    region.copy_((region.mean((-2, -1), keepdim=True) < 0.5).to(clip.dtype).expand_as(region))
    return touched
