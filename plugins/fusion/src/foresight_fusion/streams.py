"""Streams as tokens that know their place, and streams brought to one grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from foresight_harness.errors import GridError
from foresight_harness.modules.positions import fourier_encoding
from torch import Tensor, nn

CYCLES = (0.5, 16.0)
"""Half a cycle tells the two ends of the picture apart, sixteen the neighbours of a 32-cell grid."""


def position_codes(rows: int, cols: int, width: int, like: Tensor) -> Tensor:
    """Two-dimensional sinusoidal codes of cell centres, in the device and dtype of ``like``. [H, W, C]"""
    encoding = fourier_encoding(rows, cols, bands=width // 4, cycles=CYCLES, device=like.device)
    return encoding.to(like.dtype)


def require_streams(name: str, grids: Sequence[Tensor], expected: int) -> None:
    """Refuse another number of streams than was built for, and unequal frames. Raises: GridError."""
    if len(grids) != expected:
        raise GridError(f"{name} was built for {expected} streams, got {len(grids)}")
    frames = [int(grid.shape[1]) for grid in grids]
    if len(set(frames)) > 1:
        raise GridError(f"{name} needs streams of equal frames, got {frames}")


class StreamProjection(nn.Module):
    """Tokens of one stream at the common width, normed, with the code of their place added.

    The norm stands behind the projection: the oracle control is one channel wide, and a norm before would erase it.
    """

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.down = nn.Linear(width, inner)
        self.norm = nn.LayerNorm(inner)

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, T, H, W, inner]"""
        tokens = self.norm(self.down(grid))
        codes = position_codes(int(grid.shape[2]), int(grid.shape[3]), int(tokens.shape[-1]), tokens)
        return torch.add(tokens, codes)


class StreamContext(nn.Module):
    """All streams as one set of placed tokens, to be read by attention: grids may differ, order does not matter."""

    def __init__(self, name: str, widths: Sequence[int], inner: int) -> None:
        super().__init__()
        self.name = name
        self.projections = nn.ModuleList(StreamProjection(width, inner) for width in widths)

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H_i, W_i, C_i] each -> [B*T, sum of H_i*W_i, inner]"""
        require_streams(self.name, grids, len(self.projections))
        tokens = [project(grid) for project, grid in zip(self.projections, grids, strict=True)]
        return torch.cat([each.flatten(0, 1).flatten(1, 2) for each in tokens], dim=1)
