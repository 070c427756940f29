"""Learned values per place that hold at any grid."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TABLE_SIDE = 16
"""The document's 256 tokens; other grids interpolate the table."""


class PlaceTable(nn.Module):
    """A learned vector per place, stored on 16x16 places and interpolated to the grid that is asked for."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(TABLE_SIDE, TABLE_SIDE, width) * 0.02)

    def forward(self, rows: int, cols: int) -> Tensor:
        """Vectors of the cells of a grid. [H, W, C]"""
        if (rows, cols) == (TABLE_SIDE, TABLE_SIDE):
            return self.places
        planes = self.places.float().permute(2, 0, 1).unsqueeze(0)
        # Antialiased, so that a coarse grid averages the table: every stored place keeps a gradient at any grid.
        resized = F.interpolate(planes, (rows, cols), mode="bilinear", align_corners=False, antialias=True)
        return resized[0].permute(1, 2, 0).to(self.places.dtype)
