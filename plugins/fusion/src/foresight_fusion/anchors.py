"""Places that learned queries look from, and windows of attention around places."""

from __future__ import annotations

import math

import torch
from foresight_harness.grids import cell_centres
from torch import Tensor, nn

NARROWEST = 1 / 40
"""Standard deviation of the narrowest windows at the start, over the picture's side: 0.4 cells of a ViT's 16x16."""


def raster(count: int) -> tuple[int, int]:
    """Rows and columns of the squarest grid of so many cells, never more rows than columns: 64 is 8x8, 128 is 8x16."""
    rows = next(rows for rows in range(math.isqrt(count), 0, -1) if count % rows == 0)
    return rows, count // rows


def anchors(count: int) -> Tensor:
    """Centres of the cells of that grid, (x, y) in units of the picture. [N, 2] float32"""
    return cell_centres(*raster(count)).flatten(0, 1)


class Windows(nn.Module):
    """A Gaussian window a head around every query's place; its width is learned.

    Without one, attention that starts from noise reads the mean of the picture, and no place comes through before
    hundreds of steps. Half of the heads start narrow, the others twice, four times... as wide, up to the whole picture.

    *Source*: windows on attention's scores as in SMCA-DETR, arXiv 2101.07448, around places that stand still.
    """

    def __init__(self, heads: int) -> None:
        super().__init__()
        doublings = (torch.arange(heads) - heads // 2 + 1).clamp(min=0)
        self.log_spread = nn.Parameter(math.log(NARROWEST) + math.log(2) * doublings)

    def forward(self, queries: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Three channels more for queries and keys, so that scores fall with the square of the distance.

        Their product is minus the squared distance over twice the squared spread, less what is equal for all tokens of
        a query and drops out of softmax. As channels they cost a fifth of a bias of every score.

        Args:
            queries: Places, (x, y) in units of the picture. [N, 2] float32
            tokens: The same of what is read. [M, 2] float32

        Returns:
            Of queries [heads, N, 3] and of tokens [M, 3], float32.
        """
        sharpness = (-2 * self.log_spread.float()).exp()
        queries, tokens = queries - 0.5, tokens - 0.5  # about the middle: smaller products, less rounding
        asked = torch.cat([queries, torch.full_like(queries[:, :1], -0.5)], dim=-1)
        told = torch.cat([tokens, tokens.square().sum(-1, keepdim=True)], dim=-1)
        return sharpness[:, None, None] * asked, told
