"""Pixels to square tiles."""

from __future__ import annotations

from foresight_vlm_kit.pictures import resize
from torch import Tensor
from torch.nn import functional as F

from foresight_llava_next.tiling import Tiling


def cut_tiles(frames: Tensor, tiling: Tiling, tile_px: int) -> Tensor:
    """The picture in the middle of black, cut row by row. [N, 3, H_px, W_px] -> [N, tiles, 3, tile_px, tile_px]"""
    height, width = tiling.tile_rows * tile_px, tiling.tile_cols * tile_px
    (top, left), (rows, cols) = tiling.offset, tiling.resized
    placed = F.pad(resize(frames, tiling.resized), (left, width - left - cols, top, height - top - rows))
    cut = placed.view(len(frames), 3, tiling.tile_rows, tile_px, tiling.tile_cols, tile_px).permute(0, 2, 4, 1, 3, 5)
    return cut.reshape(len(frames), tiling.tile_rows * tiling.tile_cols, 3, tile_px, tile_px)
