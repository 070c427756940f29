"""Predicted boxes as a stream: drawn on a grid, weighted by their scores."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

EMPTY = 1e-6
"""Summed score below which a cell has no box to be distant from."""


@dataclass(frozen=True)
class Detections:
    """What a detector says of pictures, before any threshold or suppression of doubles."""

    boxes: Tensor
    """Centre column, centre row, width and height, in sides of the network's input. [N, Q, 4]"""
    scores: Tensor
    """In [0, 1]. [N, Q]"""


def drawn(found: Detections, grid: tuple[int, int], shares: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """Draw boxes on a grid that covers the picture.

    A cell's weight of a box is the box's score times the share of the cell that the box covers. Channels are the sum of
    the weights; and the mean distances, by these weights, from the cell's centre to the left, upper, right and lower
    side of the boxes, in sides of the picture: negative where the centre lies outside, 0 where no box is.

    Args:
        found: Of the whole input.
        grid: Rows and columns of cells.
        shares: Of the input's rows and columns that show the picture; padding lies below and to the right.

    Returns:
        [N, rows, cols, 5] float32
    """
    rows, cols = grid
    scores = found.scores.float()
    centre, extent = found.boxes.float()[..., :2], found.boxes.float()[..., 2:]
    scale = torch.tensor([shares[1], shares[0]], device=scores.device)
    low, high = (centre - extent / 2) / scale, (centre + extent / 2) / scale
    across = _along(low[..., 0], high[..., 0], cols)
    down = _along(low[..., 1], high[..., 1], rows)
    total = _summed(scores, down[0], across[0])
    sides = (
        _summed(scores, down[0], across[1]),
        _summed(scores, down[1], across[0]),
        _summed(scores, down[0], across[2]),
        _summed(scores, down[2], across[0]),
    )
    weighted = torch.stack(sides, dim=-1) / total.clamp_min(EMPTY).unsqueeze(-1)
    return torch.cat([total.unsqueeze(-1), weighted], dim=-1)


def _along(low: Tensor, high: Tensor, cells: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of one axis: the share of each cell within each box, alone, times the distance to its low and to its high side.

    A box covers a rectangle, so shares of cells are products over the axes. [N, Q] each -> [N, Q, cells] each
    """
    edges = torch.arange(cells + 1, device=low.device, dtype=low.dtype) / cells
    starts, ends = edges[:-1], edges[1:]
    inside = torch.minimum(high.unsqueeze(-1), ends) - torch.maximum(low.unsqueeze(-1), starts)
    share = inside.clamp_min(0) * cells
    centres = (starts + ends) / 2
    return share, share * (centres - low.unsqueeze(-1)), share * (high.unsqueeze(-1) - centres)


def _summed(scores: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """[N, Q], [N, Q, rows], [N, Q, cols] -> [N, rows, cols]"""
    return torch.einsum("nq,nqr,nqc->nrc", scores, down, across)
