"""Pixels to what a tower reads: resized, squashed to a square, normalised."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def resize(frames: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize pictures by antialiased bicubic interpolation, kept in [0, 1]. [N, 3, H_px, W_px] -> [N, 3, *size]"""
    if frames.shape[-2:] == size:
        return frames
    return F.interpolate(frames, size, mode="bicubic", antialias=True, align_corners=False).clamp_(0, 1)


def normalise(frames: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Subtract the channels' means and divide by their deviations. [..., 3, H_px, W_px]"""
    shift = torch.tensor(mean, device=frames.device, dtype=frames.dtype).view(3, 1, 1)
    scale = torch.tensor(std, device=frames.device, dtype=frames.dtype).view(3, 1, 1)
    return (frames - shift).div_(scale)


def squash(clips: Tensor, input_px: int, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Squash every frame to a square and normalise it.

    Args:
        clips: Pixels in [0, 1]. [B, T, 3, H_px, W_px]
        input_px: Side of the square.
        mean: Of each channel.
        std: Of each channel.

    Returns:
        One picture a frame. [B * T, 3, input_px, input_px] float32
    """
    return normalise(resize(clips.flatten(0, 1).float(), (input_px, input_px)), mean, std)
