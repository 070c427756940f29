from __future__ import annotations

import math

import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.moved_objects import moved_between, moved_iou
from foresight_harness.parts.metrics.segments import object_iou

SIDE = 32


def square(row: int, col: int, side: int = 8) -> torch.Tensor:
    plane = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    plane[row : row + side, col : col + side] = True
    return plane


def painted(*planes: torch.Tensor) -> torch.Tensor:
    """White squares on black. [3, H_px, W_px]"""
    return torch.stack(planes).any(0).float().expand(3, -1, -1)


def test_an_object_has_moved_where_its_masks_do_not_cover_each_other() -> None:
    before = torch.stack([square(4, 4), square(20, 20), square(4, 20)])
    after = torch.stack([square(4, 8), square(20, 20), square(4, 20)])
    after[2, 4, 20] = False  # one pixel of 64 is no motion
    assert moved_between(before, after).tolist() == [True, False, False]
    nothing = torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
    assert moved_between(nothing, nothing).tolist() == [False]


def test_only_what_moved_counts_and_alone_it_is_the_metric_of_pictures() -> None:
    there, still = square(4, 4), square(20, 20)
    target = painted(there, still)[None]
    planes = torch.stack([there, still])
    lost = painted(still)[None]
    assert moved_iou(lost, target, [planes], [torch.tensor([True, False])]).item() == 0
    assert moved_iou(lost, target, [planes], [torch.tensor([False, True])]).item() > 0.95
    both = moved_iou(lost, target, [planes], [torch.tensor([True, True])])
    assert both.item() == pytest.approx(object_iou(lost[:, None], target[:, None], [planes[None]]).item())


def test_an_object_by_half_its_side_away_is_found_by_a_third() -> None:
    target, output = painted(square(12, 12))[None], painted(square(12, 16))[None]
    planes = square(12, 12)[None]
    assert moved_iou(output, target, [planes], [torch.tensor([True])]).item() == pytest.approx(1 / 3, abs=0.05)


def test_nothing_that_moved_has_no_value_and_other_masks_are_refused() -> None:
    target = painted(square(4, 4))[None]
    planes = square(4, 4)[None]
    assert math.isnan(moved_iou(target, target, [planes], [torch.tensor([False])]).item())
    with pytest.raises(DataError, match="masks of 2 samples"):
        moved_iou(target, target, [planes, planes], [torch.tensor([True])])
