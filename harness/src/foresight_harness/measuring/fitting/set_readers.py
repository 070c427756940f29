"""Reading a token set on a grid: a set has no places, so places ask for what they need."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from foresight_harness.parts.grid_modules.positions import cell_centres

HEADS = 4
WINDOW = 0.35
"""Standard deviation of the heads that read by place, over the distance of neighbouring tokens."""


def grid_positions(rows: int, cols: int, width: int) -> Tensor:
    """Sinusoidal encodings of cell centres, rows in the first half of the channels. [rows * cols, width]"""
    quarter = max(1, width // 4)
    rates = torch.exp(torch.arange(quarter) * (-math.log(100.0) / quarter)) * math.pi
    waves = []
    for count in (rows, cols):
        centres = (torch.arange(count) + 0.5) / count
        angles = centres[:, None] * rates[None] * 4
        waves.append(torch.cat([angles.sin(), angles.cos()], dim=1))
    down = waves[0][:, None].expand(rows, cols, -1)
    across = waves[1][None].expand(rows, cols, -1)
    encoded = torch.cat([down, across], dim=-1).reshape(rows * cols, -1)
    return torch.nn.functional.pad(encoded, (0, max(0, width - encoded.shape[1])))[:, :width]


class SetReader(nn.Module):
    """Positional queries attend to a token set and answer as a grid.

    Args:
        width: Channels of the tokens, and of the grid.
        rows: Rows of the grid.
        cols: Columns of the grid.
        anchors: Places that the tokens look from, (x, y) in units of the picture, of a fusion that has some. Half of
            the heads then read near each cell, because a few steps do not find out which token looks where. [N, 2]
    """

    def __init__(self, width: int, rows: int, cols: int, anchors: Tensor | None = None) -> None:
        super().__init__()
        self.rows, self.cols = rows, cols
        inner = max(HEADS, width // HEADS * HEADS)
        self.register_buffer("positions", grid_positions(rows, cols, inner), persistent=False)
        windows = None if anchors is None else _windows(rows, cols, anchors)
        self.register_buffer("windows", windows, persistent=False)
        self.query = nn.Linear(inner, inner)
        self.norm = nn.LayerNorm(width)
        self.enter = nn.Linear(width, inner)
        self.attention = nn.MultiheadAttention(inner, HEADS, batch_first=True)
        self.leave = nn.Linear(inner, width)
        self._carry(inner)

    def _carry(self, inner: int) -> None:
        """Start what carries values orthogonal: at the defaults they shrink to a tenth, and a short fit reads noise."""
        for layer in (self.enter, self.attention.out_proj, self.leave):
            nn.init.orthogonal_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.orthogonal_(self.attention.in_proj_weight.detach()[2 * inner :])

    def forward(self, tokens: Tensor) -> Tensor:
        """[b, T, 1, N, C] -> [b, T, rows, cols, C]"""
        batch, frames, _, _, width = tokens.shape
        keys = self.enter(self.norm(tokens.flatten(0, 1).squeeze(1)))
        positions = cast(Tensor, self.positions)
        queries = self.query(positions.to(keys)).expand(batch * frames, -1, -1)
        windows = cast(Tensor | None, self.windows)
        scores = None if windows is None else windows.to(keys).repeat(batch * frames, 1, 1)
        read, _ = self.attention(queries, keys, keys, attn_mask=scores, need_weights=False)
        grid: Tensor = self.leave(read).reshape(batch, frames, self.rows, self.cols, width)
        return grid


def _windows(rows: int, cols: int, anchors: Tensor) -> Tensor:
    """What is added to scores for the distance of cells and tokens: Gaussian for half of the heads, 0 for the others.

    Returns:
        [heads, rows * cols, N]
    """
    centres = cell_centres(rows, cols).flatten(0, 1)
    squared = torch.cdist(centres, anchors.detach().float().cpu()).square()
    near = -squared * len(anchors) / (2 * WINDOW**2)
    return torch.stack([near if head < HEADS // 2 else torch.zeros_like(near) for head in range(HEADS)])
