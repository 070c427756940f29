"""Position embeddings for random weights."""

from __future__ import annotations

import torch
from torch import Tensor

AMPLITUDE = 0.3
"""Patch embeddings of normalised pictures have a standard deviation near 0.5 at the start."""


def smooth_positions(side: int, width: int) -> Tensor:
    """Sines and cosines of row and column, so that a random network sees where a patch is.

    The library starts with independent values of standard deviation 0.02, which hardly matter beside the patch
    embedding; trained ones are smooth and of its size, and only smooth ones survive interpolation to another grid.

    Args:
        side: Rows and columns of the table.
        width: Channels; a multiple of 4.

    Returns:
        [side * side, width]
    """
    frequencies = 0.5 * side ** -torch.linspace(0, 1, width // 4)
    angles = torch.arange(side).unsqueeze(1) * frequencies
    waves = torch.cat([angles.sin(), angles.cos()], dim=1)
    rows = waves.unsqueeze(1).expand(side, side, -1)
    cols = waves.unsqueeze(0).expand(side, side, -1)
    return AMPLITUDE * torch.cat([rows, cols], dim=-1).flatten(0, 1)
