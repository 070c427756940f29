"""Pixels to normalised square tiles."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_llava_next.presets import MEAN, STD
from foresight_llava_next.tiling import Tiling


def resize(frames: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize pictures by antialiased bicubic interpolation, kept in [0, 1]. [N, 3, H_px, W_px] -> [N, 3, *size]"""
    if frames.shape[-2:] == size:
        return frames
    return F.interpolate(frames, size, mode="bicubic", antialias=True, align_corners=False).clamp_(0, 1)


def normalise(frames: Tensor, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> Tensor:
    """Subtract the channels' means and divide by their deviations. [..., 3, H_px, W_px]"""
    shift = torch.tensor(mean, device=frames.device, dtype=frames.dtype).view(3, 1, 1)
    scale = torch.tensor(std, device=frames.device, dtype=frames.dtype).view(3, 1, 1)
    return (frames - shift).div_(scale)


def base_tile(frames: Tensor, tile_px: int) -> Tensor:
    """The whole picture squashed to one tile. [N, 3, H_px, W_px] -> [N, 1, 3, tile_px, tile_px]"""
    return resize(frames, (tile_px, tile_px)).unsqueeze(1)


def cut_tiles(frames: Tensor, tiling: Tiling, tile_px: int) -> Tensor:
    """The picture in the middle of black, cut row by row. [N, 3, H_px, W_px] -> [N, tiles, 3, tile_px, tile_px]"""
    height, width = tiling.tile_rows * tile_px, tiling.tile_cols * tile_px
    (top, left), (rows, cols) = tiling.offset, tiling.resized
    placed = F.pad(resize(frames, tiling.resized), (left, width - left - cols, top, height - top - rows))
    cut = placed.view(len(frames), 3, tiling.tile_rows, tile_px, tiling.tile_cols, tile_px).permute(0, 2, 4, 1, 3, 5)
    return cut.reshape(len(frames), tiling.tile_rows * tiling.tile_cols, 3, tile_px, tile_px)
