"""Squash and normalisation, against Pillow and by hand."""

from __future__ import annotations

import numpy as np
import torch
from foresight_cogvlm2.preprocessing import MEAN, STD, declared, prepare
from PIL import Image


def _smooth(rows: int, cols: int) -> torch.Tensor:
    y, x = torch.meshgrid(torch.linspace(0, 1, rows), torch.linspace(0, 1, cols), indexing="ij")
    return torch.stack([x, y, (x * 6).sin() * 0.5 + 0.5])


def test_prepare_squashes_as_pillow_does() -> None:
    picture = _smooth(150, 260)
    ours = prepare(picture[None, None], 112)[0] * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)
    eight_bit = (picture * 255).round().byte().permute(1, 2, 0).numpy()
    theirs = np.asarray(Image.fromarray(eight_bit).resize((112, 112), Image.Resampling.BICUBIC)) / 255
    assert np.abs(ours.permute(1, 2, 0).numpy() - theirs).max() < 0.01


def test_a_picture_of_the_right_size_is_only_normalised() -> None:
    tiles = prepare(torch.full((1, 2, 3, 28, 28), 0.5), 28)
    assert tiles.shape == (2, 3, 28, 28)
    assert torch.allclose(tiles[1, :, 0, 0], (0.5 - torch.tensor(MEAN)) / torch.tensor(STD))


def test_overshoot_of_the_resize_is_clamped_as_in_eight_bits() -> None:
    picture = torch.zeros(1, 1, 3, 20, 20)
    picture[..., 10:] = 1
    tiles = prepare(picture, 56)
    assert float(tiles[0, 0].max()) <= (1 - MEAN[0]) / STD[0] + 1e-6
    assert float(tiles[0, 0].min()) >= -MEAN[0] / STD[0] - 1e-6


def test_the_declared_preprocessing_is_clips_and_squashes() -> None:
    assert declared(1344)["size"] == [1344, 1344]
    assert declared(1344)["mean"] == [0.48145466, 0.4578275, 0.40821073]
    assert declared(1344)["resize"] == "squash"
