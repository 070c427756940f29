"""Where a cell is, as numbers: parameter-free encodings that hold for any grid."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def cell_centres(rows: int, cols: int, *, device: torch.device | None = None) -> Tensor:
    """Centres of the cells in units of the picture, so that grids of different sizes agree on places.

    Returns:
        (x, y) in (0, 1), row 0 on top. [H, W, 2] float32
    """
    y = (torch.arange(rows, device=device, dtype=torch.float32) + 0.5) / rows
    x = (torch.arange(cols, device=device, dtype=torch.float32) + 0.5) / cols
    return torch.stack([x.expand(rows, cols), y[:, None].expand(rows, cols)], dim=-1)


def fourier_encoding(
    rows: int,
    cols: int,
    *,
    bands: int,
    cycles: tuple[float, float],
    device: torch.device | None = None,
) -> Tensor:
    """Sines and cosines of the cell centres at log-spaced frequencies.

    Always float32: in bfloat16 the phase of ten cycles is off by up to 0.2 rad, which blurs neighbouring cells.

    Args:
        rows: Rows of the grid, in tokens.
        cols: Columns of the grid, in tokens.
        bands: Frequencies along each axis.
        cycles: Lowest and highest frequency, in cycles over the picture.
        device: Where to compute.

    Returns:
        Sine and cosine along x, then along y. [H, W, 4 * bands] float32

    *Source*: Fourier features, arXiv 2006.10739; the fixed log-spaced variant of its positional encoding.
    """
    low, high = (math.log(value) for value in cycles)
    frequencies = torch.linspace(low, high, bands, device=device, dtype=torch.float32).exp() * (2 * math.pi)
    phases = cell_centres(rows, cols, device=device)[..., None] * frequencies
    return torch.cat(
        [phases[..., 0, :].sin(), phases[..., 0, :].cos(), phases[..., 1, :].sin(), phases[..., 1, :].cos()], -1
    )
