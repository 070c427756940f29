"""A bright patch that crosses a textured grid: its velocity, its layer, and what is behind it."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.parts.closed_form.moving_layer import layers, shifted, velocities
from torch.nn import functional as F

SIDE = 16
AGES = torch.arange(8, -1, -1.0)
VELOCITY = torch.tensor([[0.03, 0.0], [-0.02, 0.04], [0.0, -0.05]])


def background(clips: int = 3) -> torch.Tensor:
    return torch.rand(clips, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * 0.2


def crossing(velocity: torch.Tensor = VELOCITY) -> torch.Tensor:
    """Patches of four tokens a side, in the middle in the last slot. [b, S, 3, H, W]"""
    patch = torch.zeros(len(velocity), 1, SIDE, SIDE)
    patch[:, :, 6:10, 6:10] = 1
    behind = background(len(velocity))
    slots = []
    for age in AGES:
        there = shifted(patch, -age * velocity, "zeros")
        slots.append(there * torch.tensor([1.0, 0.2, 0.9])[:, None, None] + (1 - there) * behind)
    return torch.stack(slots, dim=1)


def test_content_moves_right_and_down_by_sides_of_the_grid() -> None:
    grid = torch.zeros(1, 1, 8, 8)
    grid[0, 0, 2, 3] = 1
    moved = shifted(grid, torch.tensor([[2 / 8, 1 / 8]]), "zeros")
    assert moved[0, 0, 3, 5] == pytest.approx(1, abs=1e-5)
    assert moved.sum() == pytest.approx(1, abs=1e-5)
    half = shifted(grid, torch.tensor([[0.5 / 8, 0.0]]), "zeros")
    assert half[0, 0, 2, 3:5].tolist() == pytest.approx([0.5, 0.5], abs=1e-5)


def test_the_velocity_of_what_moves_is_found_whatever_stands() -> None:
    apart = (velocities(crossing(), AGES) - VELOCITY).norm(dim=1)
    assert apart[1:].max() < 0.004
    assert apart[0] < 0.01  # covers some places in every slot but one, so that they seem to stand


def test_slots_in_another_order_say_another_velocity() -> None:
    order = torch.tensor([4, 0, 7, 2, 8, 1, 6, 3, 5])
    found = velocities(crossing()[:, order], AGES)
    assert (found - VELOCITY).norm(dim=1).min() > 0.01


def test_where_nothing_varies_nothing_moves() -> None:
    still = background()[:, None].expand(-1, 9, -1, -1, -1)
    assert velocities(still, AGES).abs().max() == 0
    found = layers(still, AGES, torch.zeros(3, 2))
    assert found.matte.abs().max() == 0
    assert torch.allclose(found.still, background(), atol=1e-5)


def test_the_patch_is_in_the_moving_layer_and_what_it_never_covered_in_the_still_one() -> None:
    clips = crossing()
    found = layers(clips, AGES, VELOCITY)
    assert found.matte[:, 0, 6:10, 6:10].min() > 0.9
    assert torch.equal(found.moving, clips[:, -1])
    never = (clips - background()[:, None]).abs().amax((1, 2), keepdim=False) < 1e-5
    far = ~(F.max_pool2d((~never).float()[:, None], 5, 1, 2) > 0)
    assert far.sum() > 100
    assert found.matte[far].max() < 0.05
    assert torch.allclose(found.still[far.expand(-1, 3, -1, -1)], background()[far.expand(-1, 3, -1, -1)], atol=1e-4)
