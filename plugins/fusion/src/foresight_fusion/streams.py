"""Streams as tokens that know their place, and streams brought to one grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from foresight_harness.contracts.errors import GridError
from foresight_harness.grids import cell_centres, fourier_encoding
from torch import Tensor, nn

from foresight_fusion.anchors import raster
from foresight_fusion.attention import Placed

CYCLES = (0.5, 16.0)
"""Half a cycle tells the two ends of the picture apart, sixteen the neighbours of a 32-cell grid."""

QUERY_START = 0.1
"""Of the codes, in learned queries at the start."""


def position_codes(rows: int, cols: int, width: int, like: Tensor) -> Tensor:
    """Two-dimensional sinusoidal codes of cell centres, in the device and dtype of ``like``. [H, W, C]"""
    encoding = fourier_encoding(rows, cols, bands=width // 4, cycles=CYCLES, device=like.device)
    return encoding.to(like.dtype)


def query_start(count: int, width: int) -> Tensor:
    """What learned queries start from: the code of their place on a grid of so many cells, and noise. [N, C]

    The codes are small beside what attention brings, or it could not be read beside them.
    """
    codes = position_codes(*raster(count), width, torch.empty(0)).flatten(0, 1)
    return QUERY_START * codes + 0.02 * torch.randn(count, width)


def require_streams(name: str, grids: Sequence[Tensor], expected: int) -> None:
    """Refuse another number of streams than was built for, and unequal frames. Raises: GridError."""
    if len(grids) != expected:
        raise GridError(f"{name} was built for {expected} streams, got {len(grids)}")
    frames = [int(grid.shape[1]) for grid in grids]
    if len(set(frames)) > 1:
        raise GridError(f"{name} needs streams of equal frames, got {frames}")


def placed(grid: Tensor) -> Placed:
    """The tokens of a grid with their places. [B, T, H, W, C] -> H*W tokens for each of B*T"""
    rows, cols, width = grid.shape[2:]
    centres = cell_centres(rows, cols, device=grid.device).flatten(0, 1)
    codes = position_codes(rows, cols, width, grid).flatten(0, 1)
    return Placed(grid.flatten(0, 1).flatten(1, 2), codes, centres)


def shares_of_streams(readings: Sequence[Tensor], grids: Sequence[Tensor], raster: tuple[int, int]) -> Tensor:
    """What every query reads of each stream, mean over the layers that read them; sums to 1 over the streams.

    Args:
        readings: Weights over the tokens of all streams, one tensor a layer. [B * T, N, M]
        grids: The streams, in the order of the tokens. [B, T, H_i, W_i, C_i] each
        raster: Rows and columns that the queries stand on; N is their product.

    Returns:
        [B, T, rows, columns, streams] float32
    """
    counts = [int(grid.shape[2] * grid.shape[3]) for grid in grids]
    weights = torch.stack(list(readings)).mean(0)
    shares = torch.stack([part.sum(-1) for part in torch.split(weights, counts, dim=-1)], dim=-1)
    return shares.reshape(*grids[0].shape[:2], *raster, len(counts))


class StreamProjection(nn.Module):
    """Tokens of one stream at the common width, normed.

    The norm stands behind the projection: the oracle control is one channel wide, and a norm before would erase it.
    """

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.down = nn.Linear(width, inner)
        self.norm = nn.LayerNorm(inner)

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, T, H, W, inner]"""
        tokens: Tensor = self.norm(self.down(grid))
        return tokens


class StreamContext(nn.Module):
    """All streams as one set of placed tokens, to be read by attention: grids may differ, order does not matter."""

    def __init__(self, name: str, widths: Sequence[int], inner: int) -> None:
        super().__init__()
        self.name = name
        self.projections = nn.ModuleList(StreamProjection(width, inner) for width in widths)

    def forward(self, grids: Sequence[Tensor]) -> Placed:
        """[B, T, H_i, W_i, C_i] each -> sum of H_i*W_i tokens for each of B*T"""
        require_streams(self.name, grids, len(self.projections))
        each = [placed(project(grid)) for project, grid in zip(self.projections, grids, strict=True)]
        tokens, codes, places = zip(*each, strict=True)
        return Placed(torch.cat(tokens, dim=1), torch.cat(codes), torch.cat(places))
