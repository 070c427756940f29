from __future__ import annotations

import pytest
import torch
from foresight_harness.parts.controls.window_order import WindowOrder
from foresight_qwen2_5_vl.grids import raster_index

GRIDS = [(1, 16, 16), (1, 16, 24), (1, 24, 24), (1, 10, 14), (3, 16, 24)]


def index(batch: int, grid: tuple[int, int, int], windowed: bool) -> torch.Tensor:
    return raster_index(batch, grid, merge=2, window=112, patch=14, windowed=windowed)


def in_raster_order(raw: torch.Tensor, batch: int, grid: tuple[int, int, int], windowed: bool) -> torch.Tensor:
    return raw[index(batch, grid, windowed)].view(batch, *grid, -1)


def places_by_definition(grid: tuple[int, int, int], windowed: bool) -> list[tuple[int, int, int]]:
    """(slot, row, column) of each token in the tower's order, written out: windows of 4 x 4 blocks of 2 x 2 patches."""
    slots, rows, cols = grid
    blocks = []
    for slot in range(slots):
        here = [(slot, r, c) for r in range(rows // 2) for c in range(cols // 2)]
        blocks += sorted(here, key=lambda b: (b[1] // 4, b[2] // 4, b[1], b[2])) if windowed else here
    return [(t, 2 * r + i, 2 * c + j) for t, r, c in blocks for i in (0, 1) for j in (0, 1)]


@pytest.mark.parametrize("windowed", [True, False])
@pytest.mark.parametrize("grid", GRIDS)
def test_tokens_named_by_their_place_come_out_in_raster_order(grid: tuple[int, int, int], windowed: bool) -> None:
    named = torch.tensor(places_by_definition(grid, windowed))
    restored = in_raster_order(named.repeat(2, 1), 2, grid, windowed)
    axes = [torch.arange(side) for side in grid]
    expected = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    assert torch.equal(restored, expected.expand(2, *expected.shape))


def test_second_clip_of_a_call_is_not_read_from_the_first() -> None:
    grid = (1, 16, 24)
    named = torch.arange(3).repeat_interleave(16 * 24).unsqueeze(1)
    restored = in_raster_order(named, 3, grid, True)
    assert all(bool((restored[clip] == clip).all()) for clip in range(3))


def test_window_order_at_224_px_is_neither_raster_nor_its_own_inverse() -> None:
    """At 112 px the permutation is the identity and at 448 px its own inverse: tests there would see nothing."""
    at_336 = index(1, (1, 16, 24), True)
    assert not torch.equal(at_336, index(1, (1, 16, 24), False))
    assert not torch.equal(at_336, torch.argsort(at_336))


@pytest.mark.parametrize("grid", GRIDS)
def test_control_window_order_is_what_reshaping_raw_tokens_gives(grid: tuple[int, int, int]) -> None:
    raw = torch.randn(2 * grid[0] * grid[1] * grid[2], 3, generator=torch.Generator().manual_seed(0))
    restored = in_raster_order(raw, 2, grid, True)
    assert torch.equal(WindowOrder().encode(restored, ["a"])["a"].tokens, raw.view(2, *grid, 3))
