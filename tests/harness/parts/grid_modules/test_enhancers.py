"""Built-in enhancers by hand."""

from __future__ import annotations

import torch
from foresight_harness.parts.grid_modules.enhancers import IdentityEnhancer, ResamplingEnhancer


def test_identity_returns_its_input() -> None:
    grid = torch.randn(1, 1, 2, 3, 4)
    assert IdentityEnhancer()(grid) is grid


def test_nearest_repeats_every_cell() -> None:
    grid = torch.arange(4.0).reshape(1, 1, 2, 2, 1)
    expected = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]).float()
    assert torch.equal(ResamplingEnhancer(2, "nearest")(grid)[0, 0, :, :, 0], expected)


def test_bilinear_interpolates_between_cell_centres() -> None:
    grid = torch.tensor([0.0, 4.0]).reshape(1, 1, 1, 2, 1)
    made = ResamplingEnhancer(2, "bilinear")(grid)[0, 0, :, :, 0]
    assert torch.allclose(made, torch.tensor([[0.0, 1.0, 3.0, 4.0]] * 2))


def test_frames_do_not_mix() -> None:
    grid = torch.stack([torch.zeros(1, 2, 2, 1), torch.ones(1, 2, 2, 1)], dim=1)
    made = ResamplingEnhancer(2, "bilinear")(grid)
    assert made[:, 0].abs().max() == 0
    assert torch.allclose(made[:, 1], torch.ones(1, 4, 4, 1))
