from __future__ import annotations

import torch
from foresight_harness.fit.readers import SetReader, grid_positions


def test_positions_differ_in_every_cell() -> None:
    encoded = grid_positions(5, 7, 32)
    assert encoded.shape == (35, 32)
    assert torch.cdist(encoded, encoded).add(torch.eye(35) * 9).min() > 0.05


def test_set_is_read_whatever_the_order_of_its_tokens() -> None:
    torch.manual_seed(0)
    reader = SetReader(12, 3, 4).eval()
    tokens = torch.randn(2, 1, 1, 9, 12)
    grid = reader(tokens)
    assert grid.shape == (2, 1, 3, 4, 12)
    assert torch.allclose(reader(tokens[:, :, :, torch.randperm(9)]), grid, atol=1e-5)
    assert not torch.allclose(grid[:, :, 0, 0], grid[:, :, 2, 3], atol=1e-3)
