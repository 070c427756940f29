"""Where queries look from, and how far."""

from __future__ import annotations

import torch
from foresight_fusion.anchors import NARROWEST, Windows, anchors, raster
from foresight_fusion.attention import Attention, Placed


def test_places_are_the_cells_of_the_squarest_grid() -> None:
    assert raster(64) == (8, 8)
    assert raster(128) == (8, 16)
    assert raster(7) == (1, 7)
    assert torch.allclose(anchors(4), torch.tensor([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]))


def test_extra_channels_are_a_gaussian_window() -> None:
    queries, tokens = torch.rand(5, 2), torch.rand(9, 2)
    windows = Windows(4)
    asked, told = windows(queries, tokens)
    spread = NARROWEST * torch.tensor([1.0, 1.0, 2.0, 4.0])[:, None, None]
    expected = (-torch.cdist(queries, tokens).square() / (2 * spread**2)).softmax(-1)
    assert torch.allclose((asked @ told.T).softmax(-1), expected, atol=1e-3)


def test_attention_begins_near_the_query() -> None:
    torch.manual_seed(0)
    attention = Attention(32, windowed=True)
    places = anchors(64)
    tokens = torch.randn(1, 64, 32)
    elsewhere = tokens.clone()
    elsewhere[:, 9] = torch.randn(32)
    context = Placed(tokens, torch.zeros(64, 32), places)
    found = attention.near(tokens, places, context)
    change = (attention.near(tokens, places, context._replace(tokens=elsewhere)) - found).norm(dim=-1)[0]
    assert int(change.argmax()) == 9
    assert change[9] > 2 * change[torch.arange(64) != 9].max()
