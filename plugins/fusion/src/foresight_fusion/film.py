"""The first stream, scaled and shifted by the others."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from foresight_harness.grids import resample_tokens
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_fusion.presets import modulation_width
from foresight_fusion.streams import require_streams


class FilmFusion(nn.Module):
    """``(1 + scale) * first + shift``, cell by cell; the first stream alone before training.

    The other streams are resampled to the first one's grid, so write the spatial stream first.

    *Source*: FiLM, arXiv 1709.07871. The paper has one scale and shift a picture; ours are per cell, since the
    modulating streams are grids too.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        inner = modulation_width(widths[0])
        self.downs = nn.ModuleList(nn.Linear(width, inner) for width in widths[1:])
        self.norm = nn.LayerNorm(inner)
        self.modulation = nn.Linear(inner, 2 * widths[0])
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H_i, W_i, C_i] each -> [B, T, H_1, W_1, C_1]"""
        require_streams("film", grids, 1 + len(self.downs))
        first, *others = grids
        size = (int(first.shape[2]), int(first.shape[3]))
        read = [resample_tokens(down(grid), size) for down, grid in zip(self.downs, others, strict=True)]
        hidden = F.gelu(self.norm(torch.stack(read).sum(0)))
        scale, shift = self.modulation(hidden).chunk(2, dim=-1)
        modulated: Tensor = first * (1 + scale) + shift
        return modulated
