"""Reading a token set on a grid: a set has no places, so places ask for what they need."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

HEADS = 4


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
    """

    def __init__(self, width: int, rows: int, cols: int) -> None:
        super().__init__()
        self.rows, self.cols = rows, cols
        inner = max(HEADS, width // HEADS * HEADS)
        self.register_buffer("positions", grid_positions(rows, cols, inner), persistent=False)
        self.query = nn.Linear(inner, inner)
        self.norm = nn.LayerNorm(width)
        self.enter = nn.Linear(width, inner)
        self.attention = nn.MultiheadAttention(inner, HEADS, batch_first=True)
        self.leave = nn.Linear(inner, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """[b, T, 1, N, C] -> [b, T, rows, cols, C]"""
        batch, frames, _, _, width = tokens.shape
        keys = self.enter(self.norm(tokens.flatten(0, 1).squeeze(1)))
        positions = cast(Tensor, self.positions)
        queries = self.query(positions.to(keys)).expand(batch * frames, -1, -1)
        read, _ = self.attention(queries, keys, keys, need_weights=False)
        grid: Tensor = self.leave(read).reshape(batch, frames, self.rows, self.cols, width)
        return grid
