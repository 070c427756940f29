from __future__ import annotations

import torch
from foresight_harness.measuring.fitting.set_readers import SetReader, grid_positions


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


def test_tokens_with_places_are_read_near_them_before_training() -> None:
    torch.manual_seed(0)
    places = torch.tensor([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
    reader, blind = SetReader(16, 2, 2, places).eval(), SetReader(16, 2, 2).eval()
    tokens = torch.randn(1, 1, 1, 4, 16)
    changed = tokens.clone()
    changed[..., 3, :] = torch.randn(16)

    def moved(by: SetReader) -> torch.Tensor:
        return (by(changed) - by(tokens)).norm(dim=-1).flatten()

    assert moved(reader)[3] > 1.5 * moved(reader)[:3].max()
    assert not moved(blind)[3] > 1.5 * moved(blind)[:3].max()
