"""In the place of a 2x2 merger: blocks of four tokens become one, as a correction of their mean."""

from __future__ import annotations

import torch
from foresight_harness import GridError
from torch import Tensor, nn

from foresight_sem.merge_presets import HEADS, SIDE, Merge, attended_width, mixed_width

QUARTERS = SIDE * SIDE
FAVOUR = 2.0
"""Where each head starts: its own quarter has a weight of 0.71, the other three share the rest."""


def build_merge(merge: Merge, width: int) -> nn.Module:
    """The module of a merge for grids of a width."""
    return SpatialMerge(width, placed=merge.placed) if merge.attends else MlpMerge(width)


def blocks_of(grid: Tensor) -> Tensor:
    """The four tokens of every block, in raster order. [B, T, H, W, C] -> [B, T, H/2, W/2, 4, C]

    Raises:
        GridError: where a side is odd.
    """
    batch, frames, rows, cols, width = grid.shape
    if rows % SIDE or cols % SIDE:
        raise GridError(f"blocks of {SIDE}x{SIDE} tile grids of even sides, got {rows}x{cols} tokens")
    split = grid.reshape(batch, frames, rows // SIDE, SIDE, cols // SIDE, SIDE, width)
    return split.transpose(3, 4).flatten(4, 5)


class SpatialMerge(nn.Module):
    """The mean of a block, plus what heads read of its four tokens with their places in it; the mean before training.

    The block's mean asks, its tokens answer. Keys and values carry a learned vector of the quarter that a token stands
    in, and every head starts on a quarter of its own: unlike the mean, the result can say which of the four it was.

    *Source*: Claim 1 document, section 7.4, which names no module. Relative positions in keys and values, arXiv
    1803.02155; a bias for relative places, arXiv 2103.14030. Tokens never leave their block.
    """

    def __init__(self, width: int, *, placed: bool = True) -> None:
        """placed: False leaves out all that tells the quarters apart: a control of equal width."""
        super().__init__()
        inner = attended_width(width)
        self.placed = placed
        self.down = nn.Linear(width, inner)
        # Behind the projection and not before it: the oracle control is one channel wide, and a norm would erase it.
        self.norm = nn.LayerNorm(inner)
        self.query = nn.Linear(inner, inner)
        # Without a bias: the same number on all four keys moves no softmax and would never learn.
        self.key = nn.Linear(inner, inner, bias=False)
        self.value = nn.Linear(inner, inner)
        if placed:
            self.key_places = nn.Parameter(torch.randn(QUARTERS, inner) * 0.02)
            self.value_places = nn.Parameter(torch.randn(QUARTERS, inner) * 0.02)
            own = torch.arange(HEADS)[:, None] % QUARTERS == torch.arange(QUARTERS)
            self.favour = nn.Parameter(FAVOUR * own.float())
        self.up = nn.Linear(inner, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, T, H/2, W/2, C]; GridError where a side is odd."""
        blocks = blocks_of(grid)
        content = self.norm(self.down(blocks))
        query = self.query(content.mean(-2)).unflatten(-1, (HEADS, -1))
        keys, values = self.key(content), self.value(content)
        if self.placed:
            keys, values = keys + self.key_places, values + self.value_places
        keys, values = keys.unflatten(-1, (HEADS, -1)), values.unflatten(-1, (HEADS, -1))
        scores = (query.unsqueeze(-3) * keys).sum(-1).transpose(-1, -2) / keys.shape[-1] ** 0.5
        weights = (scores + self.favour if self.placed else scores).softmax(-1)
        read = (weights.transpose(-1, -2).unsqueeze(-1) * values).sum(-3).flatten(-2)
        return torch.add(blocks.mean(-2), self.up(read))


class MlpMerge(nn.Module):
    """The mean of a block, plus an MLP of its four tokens side by side; the mean before training.

    The published merger's form (a norm, concatenation, two layers with a GELU) at the budget of ``SpatialMerge``: what
    that has to beat, fitted on the same pictures.

    *Source*: Qwen2.5-VL, arXiv 2502.13923, section 2.1.1; a bottleneck before the concatenation, and a residual.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = mixed_width(width)
        self.down = nn.Linear(width, inner)
        self.norm = nn.LayerNorm(inner)
        self.mix = nn.Sequential(nn.Linear(QUARTERS * inner, inner), nn.GELU())
        self.up = nn.Linear(inner, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, T, H/2, W/2, C]; GridError where a side is odd."""
        blocks = blocks_of(grid)
        content = self.norm(self.down(blocks)).flatten(-2)
        return torch.add(blocks.mean(-2), self.up(self.mix(content)))
