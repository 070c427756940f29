"""Built-in enhancers: what a learned enhancer must beat."""

from __future__ import annotations

from torch import Tensor, nn

from foresight_harness.contracts.token_grids import resample_tokens


class IdentityEnhancer(nn.Module):
    """The stream as it is."""

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> the same tensor."""
        return grid


class ResamplingEnhancer(nn.Module):
    """A larger grid without learning anything."""

    def __init__(self, factor: int, mode: str) -> None:
        super().__init__()
        self.factor = factor
        self.mode = mode

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, T, factor*H, factor*W, C]"""
        rows, cols = grid.shape[2:4]
        return resample_tokens(grid, (self.factor * rows, self.factor * cols), mode=self.mode)
