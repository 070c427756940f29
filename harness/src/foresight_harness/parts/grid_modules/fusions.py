"""Built-in fusions: one stream as it is, or all channels side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from foresight_harness.contracts.errors import GridError
from foresight_harness.contracts.token_grids import resample_tokens


class SingleFusion(nn.Module):
    """The only stream as it is."""

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H, W, C] -> the same tensor."""
        (grid,) = grids
        return grid


class ConcatFusion(nn.Module):
    """Channels of all streams side by side, each resampled to the grid of most cells."""

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H_i, W_i, C_i] each -> [B, T, H, W, sum of C_i]

        Raises:
            GridError: if the streams' frames differ, or a grid would be enlarged beyond ``MAX_ENLARGEMENT``.
        """
        frames = [int(grid.shape[1]) for grid in grids]
        if len(set(frames)) > 1:
            raise GridError(f"concat needs streams of equal frames, got {frames}")
        largest = max(grids, key=lambda grid: int(grid.shape[2] * grid.shape[3]))
        size = (int(largest.shape[2]), int(largest.shape[3]))
        return torch.cat([resample_tokens(grid, size) for grid in grids], dim=-1)
