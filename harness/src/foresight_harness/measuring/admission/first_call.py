"""The pictures of the first call: one of the data, its repainted copies, and what tells the rest."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from foresight_harness.measuring.admission.painting import Code, grey, place_code, repainted
from foresight_harness.parts.checks.pictures import constant_clip, random_clips

FEW = 3
"""Repainted pictures of a large encoder."""
MANY = 8
"""The same of a small one: sixteen pictures in one call, as extraction makes them."""
LEVELS = ((0.0, "a black picture"), (0.5, "a plain grey picture"), (1.0, "a white picture"))


@dataclass(frozen=True)
class Pictures:
    """What one call is given."""

    clips: Tensor
    """[B, T, 3, H_px, W_px]"""
    names: tuple[str, ...]
    plain: tuple[bool, ...]
    """Whether each is of one colour."""
    code: Code
    repainted: slice
    """The repainted ones; number 0 is what they are without."""
    unlike: tuple[int, ...]
    """Pictures that have nothing in common."""
    noise: int


def first_and_last(frames: int, stride_frames: int) -> tuple[range, range]:
    """Frames of the first and of the last slot, of which the last may be short: none is of two slots."""
    return range(min(stride_frames, frames)), range((frames - 1) // stride_frames * stride_frames, frames)


def pictures_of(one: Tensor, other: Tensor, *, few: bool, stride_frames: int = 1) -> Pictures:
    """The pictures of the first call: 5 for a large encoder, 16 for a small one.

    Args:
        one: What is repainted: a picture of the run's own data, so that one who knows it by heart is found.
            [T, 3, H_px, W_px]
        other: Another one.
        few: Whether pictures are counted.
        stride_frames: Frames of the longest slot: in clips one picture is repainted in the first of them only, one in
            the last.
    """
    frames, size = one.shape[0], (int(one.shape[-2]), int(one.shape[-1]))
    code = place_code(FEW if few else MANY)
    clips, names, plain = [one], ["a picture of the data"], [False]
    for number in range(FEW if few else MANY):
        painted = repainted(one, code == number)
        if frames > 1 and number < 2:
            changed = first_and_last(frames, stride_frames)[number]
            kept = [frame for frame in range(frames) if frame not in changed]
            painted[kept] = one[kept]
        clips.append(painted)
        names.append(f"repainted picture {number + 1}")
        plain.append(False)
    last = len(clips)
    noise = random_clips(size, frames=frames, seed=31)[0]
    extra = [(grey(noise), "a picture without colour", False)]
    if not few:
        extra += [
            (noise, "a picture of noise", False),
            (other, "another picture of the data", False),
            (grey(other), "a picture of the data without colour", False),
            *((constant_clip((v, v, v), size)[0].expand_as(one).clone(), n, True) for v, n in LEVELS),
        ]
    for clip, name, is_plain in extra:
        clips.append(clip)
        names.append(name)
        plain.append(is_plain or float(clip.std()) == 0)
    unlike = (0, last) if few else (0, last, last + 1)
    return Pictures(torch.stack(clips), tuple(names), tuple(plain), code, slice(1, last), unlike, last)
