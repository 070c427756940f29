from __future__ import annotations

import torch
from foresight_llava_next.grids import join_tiles, pack, unpack
from foresight_llava_next.tiling import Tiling

WIDE = Tiling(2, 3, (0, 0), (0, 0), rows=(1, 7), cols=(0, 12))
"""2 x 3 tiles of 4 x 4 tokens; the first and last row are border."""


def named_tiles(count: int) -> torch.Tensor:
    """Each token names its picture, row and column on the rectangle. [count, 6, 16, 3]"""
    tiles = [[[(4 * tr + r, 4 * tc + c) for r in range(4) for c in range(4)] for tc in range(3)] for tr in range(2)]
    places = torch.tensor([tile for row in tiles for tile in row])
    return torch.stack([torch.cat([torch.full((6, 16, 1), n), places], dim=-1) for n in range(count)])


def test_tokens_named_by_their_place_come_out_in_raster_order_without_border() -> None:
    grid = join_tiles(named_tiles(2), WIDE, 4)
    assert grid.shape == (2, 6, 12, 3)
    for n in range(2):
        for row in range(6):
            assert grid[n, row].tolist() == [[n, row + 1, col] for col in range(12)]


def test_packing_by_hand() -> None:
    base = torch.tensor([[[1.0], [2.0]]])
    grid = torch.tensor([[[[3.0], [4.0]], [[5.0], [6.0]]]])
    assert pack(base, grid, torch.tensor([9.0])).flatten().tolist() == [1, 2, 3, 4, 9, 5, 6, 9]


def test_unpacking_gives_back_the_grid() -> None:
    base, grid = torch.rand(2, 5, 3), torch.rand(2, 4, 6, 3)
    assert torch.equal(unpack(pack(base, grid, torch.zeros(3)), 5, (4, 6)), grid)
