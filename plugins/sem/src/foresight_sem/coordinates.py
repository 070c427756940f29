"""Module A: tell every token where it stands."""

from __future__ import annotations

import torch
from foresight_harness.grids import fourier_encoding
from torch import Tensor, nn

from foresight_sem.presets import coordinate_width
from foresight_sem.tables import PlaceTable

BANDS = 64
CYCLES = (1.0, 10.0)
"""64 log-spaced frequencies from 1 to 10 cycles over the picture, as in the document's appendix A.1."""


class PlaceCode(nn.Module):
    """Fourier features of the cell centre through a linear map, plus a learned vector of the place."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fourier = nn.Linear(4 * BANDS, width)
        self.learned = PlaceTable(width)

    def forward(self, rows: int, cols: int) -> Tensor:
        """Codes of the cells of a grid. [H, W, C]"""
        weight = self.fourier.weight
        encoding = fourier_encoding(rows, cols, bands=BANDS, cycles=CYCLES, device=weight.device).to(weight.dtype)
        code: Tensor = self.fourier(encoding) + self.learned(rows, cols)
        return code


class CoordinateInjection(nn.Module):
    """A gated correction computed from content and place; nothing is changed before training.

    With ``g`` the gate, ``x`` the tokens and ``f`` the fusion of content and place, the document has
    ``g * x + (1 - g) * f``. We write ``f = x + d``, which gives ``x + (1 - g) * d``, and start ``d`` at zero.

    *Source*: document section 2.1.1; Fourier features, arXiv 2006.10739. Gate and fusion read a bottleneck instead of
    the full width, and the learned positions, which the sketch declares without using, are added to the code.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = coordinate_width(width)
        self.down = nn.Linear(width, inner)
        # Behind the projection and not before it: the oracle control is one channel wide, and a norm would erase it.
        self.norm = nn.LayerNorm(inner)
        self.places = PlaceCode(inner)
        self.gate = nn.Linear(2 * inner, width)
        self.fusion = nn.Linear(2 * inner, width)
        nn.init.zeros_(self.fusion.weight)
        nn.init.zeros_(self.fusion.bias)

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, T, H, W, C]"""
        content = self.norm(self.down(grid))
        code = self.places(int(grid.shape[2]), int(grid.shape[3])).expand_as(content)
        combined = torch.cat([content, code], dim=-1)
        keep = self.gate(combined).sigmoid()
        changed: Tensor = grid + (1 - keep) * self.fusion(combined)
        return changed
