"""The document's sketches at full width, for the counts and for comparison; three slips are mended and named.

1. Module A declares learned positions and never uses them: here they are added to the coordinate code.
2. Module B asks for four levels of features that have one: levels above the first are averages of 2, 4 and 8 cells.
3. Tables of 256 places are interpolated to other grids.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_sem.coordinates import PlaceCode
from foresight_sem.deformable_attention import DeformableAttention
from foresight_sem.presets import DRAWN_OUTPUT_WIDTH, HEADS
from foresight_sem.tables import PlaceTable
from foresight_sem.upsampling import ResidualBlock, shuffle_block

SHUFFLE_WIDTH = 512
REFINE_WIDTH = 256


class CoordinateInjectionAsDrawn(nn.Module):
    """Gate and fusion over twice the full width. *Source*: document section 2.1.1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.places = PlaceCode(width)
        self.gate = nn.Linear(2 * width, width)
        self.fusion = nn.Linear(2 * width, width)

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, T, H, W, C]"""
        code = self.places(int(grid.shape[2]), int(grid.shape[3])).expand_as(grid)
        combined = torch.cat([grid, code], dim=-1)
        keep = self.gate(combined).sigmoid()
        fused: Tensor = keep * grid + (1 - keep) * self.fusion(combined)
        return fused


class DeformableAttentionAsDrawn(nn.Module):
    """Constant queries with learned reference points, no residual. *Source*: document section 2.1.2."""

    def __init__(self, width: int, levels: int = 1) -> None:
        super().__init__()
        self.levels = levels
        self.queries = PlaceTable(width)
        self.reference = nn.Linear(width, 2)
        self.attention = DeformableAttention(width, HEADS, levels=levels)
        self.output = nn.Linear(width, width)

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, T, H, W, C]"""
        _, _, rows, cols, width = grid.shape
        values = grid.flatten(0, 1)
        queries = self.queries(rows, cols).reshape(1, rows * cols, width)
        references = self.reference(queries).float().sigmoid()
        queries = queries.expand(values.shape[0], -1, -1)
        read: Tensor = self.output(self.attention(queries, references, list(_pyramid(values, self.levels))))
        return read.reshape_as(grid)


class LearnedUpsamplingAsDrawn(nn.Module):
    """Two pixel shuffles from 512 channels to 128 at four times the grid. *Source*: document section 2.1.3."""

    def __init__(self, width: int) -> None:
        super().__init__()
        fine = SHUFFLE_WIDTH // 16
        self.down = nn.Linear(width, SHUFFLE_WIDTH)
        self.shuffle = nn.Sequential(
            shuffle_block(SHUFFLE_WIDTH, groups=32), shuffle_block(SHUFFLE_WIDTH // 4, groups=32)
        )
        self.refine = nn.Sequential(
            ResidualBlock(fine, REFINE_WIDTH),
            ResidualBlock(REFINE_WIDTH, REFINE_WIDTH),
            nn.Conv2d(REFINE_WIDTH, DRAWN_OUTPUT_WIDTH, 1),
        )

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, T, 4H, 4W, 128]"""
        batch, frames, rows, cols, _ = grid.shape
        planes = self.down(grid).flatten(0, 1).permute(0, 3, 1, 2)
        refined: Tensor = self.refine(self.shuffle(planes))
        return refined.permute(0, 2, 3, 1).reshape(batch, frames, 4 * rows, 4 * cols, DRAWN_OUTPUT_WIDTH)


def _pyramid(values: Tensor, levels: int) -> Iterator[Tensor]:
    """The map, then its averages over 2, 4, 8 ... cells a side, down to one cell. [B, H_l, W_l, C]"""
    rows, cols = values.shape[1:3]
    planes = values.permute(0, 3, 1, 2)
    for level in range(levels):
        size = (max(1, rows >> level), max(1, cols >> level))
        yield F.adaptive_avg_pool2d(planes, size).permute(0, 2, 3, 1)
