"""Places as numbers, by hand."""

from __future__ import annotations

import math

import torch
from foresight_harness.parts.grid_modules.positions import cell_centres, fourier_encoding


def test_centres_are_x_then_y_with_row_0_on_top() -> None:
    centres = cell_centres(2, 4)
    assert centres.shape == (2, 4, 2)
    assert centres[0, 3].tolist() == [0.875, 0.25]
    assert centres[1, 0].tolist() == [0.125, 0.75]


def test_encoding_of_one_band_by_hand() -> None:
    encoding = fourier_encoding(1, 2, bands=1, cycles=(1.0, 1.0))
    sin, cos = math.sin(2 * math.pi * 0.25), math.cos(2 * math.pi * 0.25)
    assert torch.allclose(encoding[0, 0], torch.tensor([sin, cos, 0.0, -1.0]), atol=1e-6)


def test_frequencies_run_from_lowest_to_highest() -> None:
    encoding = fourier_encoding(1, 1, bands=3, cycles=(0.5, 8.0))
    expected = torch.tensor([0.5, 2.0, 8.0]) * 2 * math.pi * 0.5
    assert torch.allclose(encoding[0, 0, :3], expected.sin(), atol=1e-5)


def test_every_cell_has_its_own_encoding() -> None:
    encoding = fourier_encoding(16, 16, bands=8, cycles=(0.5, 16.0)).reshape(256, -1)
    distances = torch.cdist(encoding, encoding) + torch.eye(256) * 9
    assert distances.min() > 0.1


def test_the_same_place_has_the_same_encoding_on_every_grid() -> None:
    coarse, fine = (fourier_encoding(side, side, bands=4, cycles=(0.5, 4.0)) for side in (1, 3))
    assert torch.allclose(coarse[0, 0], fine[1, 1], atol=1e-5)
