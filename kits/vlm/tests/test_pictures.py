"""Squash and normalisation, against Pillow and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_vlm_kit.pictures import normalise, resize, squash
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD
from PIL import Image

MEAN, STD = torch.tensor(CLIP_MEAN).view(3, 1, 1), torch.tensor(CLIP_STD).view(3, 1, 1)


def test_squashing_does_what_pillow_does() -> None:
    y, x = torch.meshgrid(torch.linspace(0, 1, 150), torch.linspace(0, 1, 260), indexing="ij")
    picture = torch.stack([x, y, (x * 6).sin() * 0.5 + 0.5])
    ours = squash(picture[None, None], 112, CLIP_MEAN, CLIP_STD)[0] * STD + MEAN
    eight_bit = (picture * 255).round().byte().permute(1, 2, 0).numpy()
    theirs = np.asarray(Image.fromarray(eight_bit).resize((112, 112), Image.Resampling.BICUBIC)) / 255
    assert np.abs(ours.permute(1, 2, 0).numpy() - theirs).max() < 0.01


def test_every_frame_of_the_right_size_is_only_normalised() -> None:
    squares = squash(torch.full((1, 2, 3, 28, 28), 0.5), 28, CLIP_MEAN, CLIP_STD)
    assert squares.shape == (2, 3, 28, 28)
    torch.testing.assert_close(squares[1], ((0.5 - MEAN) / STD).expand(3, 28, 28))


def test_resizing_stays_within_the_range_of_pixels() -> None:
    edge = torch.zeros(1, 3, 40, 40)
    edge[..., 20:] = 1
    out = resize(edge, (56, 56))
    assert (float(out.min()), float(out.max())) == pytest.approx((0, 1))
    assert float(out.max()) <= 1


def test_picture_of_the_right_size_is_not_touched() -> None:
    frames = torch.rand(1, 3, 56, 56)
    assert resize(frames, (56, 56)) is frames


def test_normalising_does_not_write_into_the_callers_picture() -> None:
    frames = torch.ones(1, 3, 4, 4)
    normalise(frames, CLIP_MEAN, CLIP_STD)
    assert bool((frames == 1).all())
