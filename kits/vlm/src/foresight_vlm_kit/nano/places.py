"""Where close-ups lie in their whole picture, for towers with learned positions and for sequences in raster order."""

from __future__ import annotations

import torch
from torch import Tensor

from foresight_vlm_kit.nano.pictures import WHOLE_CELLS


def cells_of(corners: Tensor, side: int, whole: int) -> Tensor:
    """Raster numbers, in the whole picture, of the cells that close-ups show.

    Args:
        corners: Row and column of each close-up's first cell, on a grid of ``WHOLE_CELLS`` a side. [B, 2] int64
        side: Cells a side of a close-up, on the grid that is asked about.
        whole: The same of the whole picture.

    Returns:
        [B, side * side] int64
    """
    rows, cols = (corners * (whole // WHOLE_CELLS)).unbind(1)
    steps = torch.arange(side)
    numbers = (rows.unsqueeze(1) + steps).unsqueeze(2) * whole + (cols.unsqueeze(1) + steps).unsqueeze(1)
    return numbers.flatten(1)


def learned_places(table: Tensor, corners: Tensor | None, side: int) -> Tensor:
    """Learned positions of a class token and of the cells that are shown.

    Args:
        table: The class token's, then those of the whole raster. [1 + whole * whole, C]
        corners: See ``cells_of``; None for whole pictures.
        side: Cells a side of what is shown.

    Returns:
        [B, 1 + side * side, C], or [1, ...] where all show the same.
    """
    if corners is None:
        return table.unsqueeze(0)
    shown = 1 + cells_of(corners, side, round((len(table) - 1) ** 0.5))
    return table[torch.cat([torch.zeros_like(shown[:, :1]), shown], dim=1)]


def sequence_places(prompt: int, corners: Tensor | None, side: int, whole: int, caption: int) -> Tensor:
    """Number of every token where prompt, whole raster and caption are numbered on, as those of a whole picture are.

    Args:
        prompt: Tokens before the picture.
        corners: See ``cells_of``; None for whole pictures.
        side: The picture's tokens a side.
        whole: Those of a whole picture.
        caption: Tokens after the picture.

    Returns:
        [B, prompt + side * side + caption] int64; B is 1 where there are no corners.
    """
    shown = torch.arange(whole * whole).unsqueeze(0) if corners is None else cells_of(corners, side, whole)
    before, after = (torch.arange(count).expand(len(shown), -1) for count in (prompt, caption))
    return torch.cat([before, prompt + shown, prompt + whole * whole + after], dim=1)
