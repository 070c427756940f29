"""Built-in extractors: the taps of one encoder to one stream."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from foresight_harness.contracts.errors import GridError


class TapExtractor(nn.Module):
    """One tap as it is."""

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H, W, C] -> the same tensor."""
        (grid,) = grids
        return grid


class ConcatExtractor(nn.Module):
    """Channels of several taps side by side, in the order written."""

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H, W, C_i] each -> [B, T, H, W, sum of C_i]

        Raises:
            GridError: if the taps' grids differ.
        """
        _require_equal_grids("concat", grids)
        return torch.cat(list(grids), dim=-1)


class MultiScaleExtractor(nn.Module):
    """A convex combination of taps; the weights are learned and start equal.

    *Source*: option C of the pre-merge document, "weight combination learned during adapter training". We keep one
    weight a tap, so that it can be read off which depth a candidate uses.
    """

    def __init__(self, taps: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(taps))

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H, W, C] each -> [B, T, H, W, C]

        Raises:
            GridError: if the taps' grids or widths differ.
        """
        _require_equal_grids("multi_scale", grids)
        if len(grids) != self.logits.numel():
            raise GridError(f"multi_scale was built for {self.logits.numel()} taps, got {len(grids)}")
        weights = self.logits.softmax(0).to(grids[0].dtype)
        return torch.stack([weight * grid for weight, grid in zip(weights, grids, strict=True)]).sum(0)


def _require_equal_grids(name: str, grids: Sequence[Tensor]) -> None:
    cells = [tuple(grid.shape[1:4]) for grid in grids]
    if len(set(cells)) > 1:
        raise GridError(f"{name} needs taps on one grid, got frames, rows, columns {cells}")
