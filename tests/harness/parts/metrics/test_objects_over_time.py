"""Count and steadiness of objects of decoded clips, on clips whose answer is known."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.parts.metrics.objects_over_time import objects_kept
from torch import Tensor

FRAMES, SIDE, SIZE = 5, 64, 16


def clip(step: int, *, start: int = 4) -> tuple[Tensor, Tensor]:
    """A white square that moves right on grey, and its mask. [1, T, 3, H, W], [T, 1, H, W]"""
    pixels = torch.full((1, FRAMES, 3, SIDE, SIDE), 0.3)
    masks = torch.zeros(FRAMES, 1, SIDE, SIDE, dtype=torch.bool)
    for frame in range(FRAMES):
        left = start + step * frame
        masks[frame, 0, 20 : 20 + SIZE, left : left + SIZE] = True
        pixels[0, frame, :, 20 : 20 + SIZE, left : left + SIZE] = 1.0
    return pixels, masks


def test_the_clip_itself_keeps_all_its_objects_in_their_places() -> None:
    pixels, masks = clip(8)
    kept = objects_kept(pixels, pixels, [masks])
    assert kept.complete.tolist() == [1.0]
    assert kept.steadiness.item() > 0.99


def test_an_object_that_stands_still_where_it_should_move_is_not_steady() -> None:
    target, masks = clip(8)
    still, _ = clip(0, start=20)
    assert objects_kept(still, target, [masks]).steadiness.item() < 0.5


def test_an_object_that_is_lost_in_some_frames_is_counted_in_the_others() -> None:
    target, masks = clip(8)
    lost = target.clone()
    lost[0, 3:] = 0.3
    kept = objects_kept(lost, target, [masks])
    assert kept.complete.item() == pytest.approx(3 / 5)
    assert kept.steadiness.item() < objects_kept(target, target, [masks]).steadiness.item()


def test_a_clip_without_objects_has_no_number() -> None:
    target, masks = clip(8)
    kept = objects_kept(target, target, [masks[:, :0]])
    assert kept.complete.isnan().all()
    assert kept.steadiness.isnan().all()
