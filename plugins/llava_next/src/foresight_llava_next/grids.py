"""From tokens of tiles to one grid, and the sequence that the language model reads."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from foresight_llava_next.tiling import Tiling


@lru_cache(maxsize=32)
def tile_index(tiling: Tiling, side: int, device: torch.device | str = "cpu") -> Tensor:
    """Where each token of the picture stands among the tokens of its tiles, in raster order of the picture.

    Args:
        tiling: How the picture lies on its tiles.
        side: Rows, and columns, of tokens of one tile.
        device: Where the index is kept.

    Returns:
        [H * W] int64
    """
    order = torch.arange(tiling.tile_rows * tiling.tile_cols * side * side)
    rectangle = order.view(tiling.tile_rows, tiling.tile_cols, side, side).permute(0, 2, 1, 3)
    rectangle = rectangle.reshape(tiling.tile_rows * side, tiling.tile_cols * side)
    return rectangle[slice(*tiling.rows), slice(*tiling.cols)].reshape(-1).to(device)


def join_tiles(tokens: Tensor, tiling: Tiling, side: int) -> Tensor:
    """Tokens of tiles on the grid of their picture, border removed. [N, tiles, side * side, C] -> [N, H, W, C]"""
    joined = tokens.flatten(1, 2).index_select(1, tile_index(tiling, side, tokens.device))
    return joined.view(len(tokens), *tiling.grid, tokens.shape[-1])


def pack(base: Tensor, grid: Tensor, newline: Tensor) -> Tensor:
    """What the language model reads of one picture: the base tile, then the rows of the grid, each with a newline.

    Args:
        base: Projected tokens of the base tile. [N, side * side, C]
        grid: Projected tokens of the tiles on their grid. [N, H, W, C]
        newline: The learned end of a row. [C]

    Returns:
        [N, side * side + H * (W + 1), C]
    """
    ends = newline.to(grid.dtype).expand(*grid.shape[:2], 1, -1)
    return torch.cat([base, torch.cat([grid, ends], dim=2).flatten(1, 2)], dim=1)


def unpack(states: Tensor, base_tokens: int, grid: tuple[int, int]) -> Tensor:
    """The grid's tokens out of a packed sequence: base tile and newlines dropped. [N, S, C] -> [N, H, W, C]"""
    rows, cols = grid
    return torch.unflatten(states[:, base_tokens:], 1, (rows, cols + 1))[:, :, :cols]
