from __future__ import annotations

from collections.abc import Callable

import torch
from foresight_dinov2.positions import AMPLITUDE, smooth_positions
from foresight_dinov2.presets import Size
from foresight_dinov2.specs import encoder_spec
from foresight_harness import BuildRequest


def test_no_two_places_share_a_position() -> None:
    table = smooth_positions(37, 64)
    distances = torch.cdist(table, table).fill_diagonal_(torch.inf)
    assert distances.min() > 0.05


def test_neighbours_are_alike_and_far_places_differ() -> None:
    table = smooth_positions(37, 64).reshape(37, 37, 64)
    assert (table[0, 0] - table[0, 1]).norm() < 0.3 * (table[0, 0] - table[36, 36]).norm()
    assert table.abs().max() <= AMPLITUDE


def test_rows_and_columns_are_told_apart() -> None:
    table = smooth_positions(5, 8).reshape(5, 5, 8)
    assert torch.equal(table[1, 2, :4], table[1, 4, :4])
    assert torch.equal(table[1, 2, 4:], table[3, 2, 4:])
    assert not torch.equal(table[1, 2], table[2, 1])


def test_a_random_encoder_sees_where_a_patch_is(size: Callable[[str], Size]) -> None:
    encoder = encoder_spec(size("dinov2_tiny")).build(BuildRequest(input_px=112))
    tokens = encoder.encode(torch.full((1, 1, 3, 112, 112), 0.5), ["last"])["last"].tokens
    spread = tokens.std(dim=(2, 3)).mean() / tokens.std()
    assert spread > 0.3
