"""The first stream plus what gates let through of the others."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from foresight_harness.grids import resample_tokens
from torch import Tensor, nn

from foresight_fusion.presets import modulation_width
from foresight_fusion.streams import require_streams


class GatedFusion(nn.Module):
    """A gate per cell and channel, read from both streams; the first stream alone before training.

    The other streams are resampled to the first one's grid, so write the spatial stream first.

    *Source*: gated multimodal units, arXiv 1702.01992. The first stream passes ungated, as a residual.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        first, *others = widths
        inner = modulation_width(first)
        self.downs = nn.ModuleList(nn.Sequential(nn.Linear(width, inner), nn.LayerNorm(inner)) for width in widths)
        self.gates = nn.ModuleList(nn.Linear(2 * inner, first) for _ in others)
        self.values = nn.ModuleList(nn.Linear(inner, first) for _ in others)
        for value in self.values:
            for parameter in value.parameters():
                nn.init.zeros_(parameter)

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H_i, W_i, C_i] each -> [B, T, H_1, W_1, C_1]"""
        require_streams("gated", grids, len(self.downs))
        fused = grids[0]
        size = (int(fused.shape[2]), int(fused.shape[3]))
        own, *others = (resample_tokens(down(grid), size) for down, grid in zip(self.downs, grids, strict=True))
        for other, gate, value in zip(others, self.gates, self.values, strict=True):
            fused = fused + gate(torch.cat([own, other], dim=-1)).sigmoid() * value(other)
        return fused
