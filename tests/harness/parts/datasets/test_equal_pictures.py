"""Which pictures and clips are recognised as the same, and which are not."""

from __future__ import annotations

import torch
from foresight_harness.parts.datasets.equal_pictures import Prints, equal_pairs, exact_print, near_pairs, small_prints
from torch import Tensor

SIDE_PX, FRAMES = 64, 9


def prints(*clips: Tensor) -> Prints:
    """Of clips [T, 3, H_px, W_px] uint8."""
    ids = tuple(str(place) for place in range(len(clips)))
    return Prints(ids, tuple(map(exact_print, clips)), small_prints(torch.stack(clips)).numpy())


def textured(seed: int, frames: int = 1) -> Tensor:
    """A coarse random texture that stands still."""
    coarse = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    picture = torch.nn.functional.interpolate(coarse, size=SIDE_PX, mode="bilinear")
    return (picture.expand(frames, -1, -1, -1) * 200).to(torch.uint8)


def passing(seed: int, step: int) -> Tensor:
    """A white square that crosses the middle of a still texture, from the left or, with a negative step, the right."""
    clip = textured(seed, FRAMES).clone()
    for frame in range(FRAMES):
        at = SIDE_PX // 2 - 8 + step * (frame - FRAMES // 2)
        clip[frame, :, 24:40, at : at + 16] = 255
    return clip


def test_a_picture_of_other_brightness_is_nearly_equal_and_another_texture_is_not() -> None:
    train = prints(textured(0), textured(1))
    darker = prints((textured(1).float() * 0.8).to(torch.uint8), textured(2))
    assert near_pairs(train, darker) == [(1, 0)]
    assert equal_pairs(train, prints(textured(2), textured(0))) == [(0, 1)]


def test_clips_of_one_place_that_move_apart_are_two_clips_though_they_share_their_middle_frame() -> None:
    right, left = passing(0, 4), passing(0, -4)
    assert torch.equal(right[FRAMES // 2], left[FRAMES // 2])
    assert near_pairs(prints(right), prints(left)) == []
    noise = torch.randint(-2, 3, right.shape, generator=torch.Generator().manual_seed(1))
    assert near_pairs(prints(right), prints((right.int() + noise).clamp(0, 255).to(torch.uint8))) == [(0, 0)]


def test_flat_colours_show_nothing_that_could_be_recognised() -> None:
    flat = [torch.tensor(colour, dtype=torch.uint8)[None, :, None, None].expand(1, 3, 32, 32) for colour in COLOURS]
    assert [exact_print(clip) for clip in flat] == ["", ""]
    assert near_pairs(prints(flat[0]), prints(flat[1])) == []


COLOURS = ([20, 10, 90], [20, 20, 90])
