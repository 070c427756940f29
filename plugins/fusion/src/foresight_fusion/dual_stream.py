"""The pre-merge document's adapter: a spatial stream asks, a semantic stream answers."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from foresight_fusion.attention import NearAttentionBlock, Placed
from foresight_fusion.presets import hidden_width
from foresight_fusion.streams import placed, require_streams


class PlacedProjection(nn.Module):
    """Two linear maps and a norm; tokens come out with their places."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        hidden = hidden_width(width)
        self.map = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, inner), nn.LayerNorm(inner))

    def forward(self, grid: Tensor) -> Placed:
        """[B, T, H, W, C] -> H*W tokens of width inner for each of B*T"""
        return placed(self.map(grid))


class DualStreamFusion(nn.Module):
    """Cross-attention from the first stream's cells to the second's; the first stream alone before training.

    Grids may differ: nothing is resampled, attention finds places by their codes. The output keeps the first stream's
    grid and width.

    *Source*: pre-merge document, section 2.4. The sketch attends at width 64, without positions and without a residual,
    and leaves with 128 channels.
    """

    def __init__(self, spatial: int, semantic: int, inner: int) -> None:
        super().__init__()
        self.spatial = PlacedProjection(spatial, inner)
        self.semantic = PlacedProjection(semantic, inner)
        self.block = NearAttentionBlock(inner)
        self.up = nn.Linear(inner, spatial)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H_i, W_i, C_i], spatial then semantic -> [B, T, H_1, W_1, C_1]"""
        require_streams("dual_stream", grids, 2)
        spatial, semantic = grids
        read = self.up(self.block(self.spatial(spatial), self.semantic(semantic)))
        fused: Tensor = spatial + read.reshape_as(spatial)
        return fused
