"""Streams of unequal slots of one clip, brought together before a fusion."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.specs import GridShape
from foresight_harness.measuring.conditioning.slots import averaged_in_slots, common_slots, in_common_slots


@pytest.mark.parametrize(
    ("frames", "slots"), [([9], 9), ([9, 9], 9), ([9, 5], 5), ([5, 9, 3], 3), ([1, 1], 1), ([9, 1], 1), ([9, 4], None)]
)
def test_the_coarsest_slots_are_common_where_the_others_can_be_averaged_into_them(
    frames: list[int], slots: int | None
) -> None:
    assert common_slots(frames) == slots


def test_a_finer_stream_is_averaged_over_the_frames_of_each_slot_and_the_last_over_what_is_left() -> None:
    fine = torch.arange(9.0).reshape(1, 9, 1, 1, 1)
    coarse = torch.randn(1, 5, 2, 2, 3)
    found = averaged_in_slots([fine, coarse])
    assert found[0].flatten().tolist() == [0.5, 2.5, 4.5, 6.5, 8.0]
    assert found[1] is coarse


def test_equal_streams_and_those_that_do_not_go_together_are_left_as_they_are() -> None:
    for one, two in ((9, 9), (9, 4)):
        grids = [torch.randn(1, one, 2, 2, 3), torch.randn(1, two, 2, 2, 3)]
        assert all(found is grid for found, grid in zip(averaged_in_slots(grids), grids, strict=True))


def test_shapes_follow_the_grids() -> None:
    shapes = [GridShape(16, 16, 64, frames=9), GridShape(8, 8, 32, frames=5)]
    assert [shape.frames for shape in in_common_slots(shapes)] == [5, 5]
    assert in_common_slots(shapes)[0].width == 64
