"""``window_order``: a grid that was read in the wrong order, as the research documents read Qwen2.5-VL's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from foresight_harness.contracts.token_grids import TokenGrid
from foresight_harness.parts.controls.encoders import FACTS

MERGE = 2
"""Side of a block of patches that the merger joins."""
WINDOW = 8
"""Side of an attention window in patches: 112 px of 14 px patches."""


class WindowOrder:
    """Tokens as the blocks of Qwen2.5-VL's tower hand them out, reshaped to a grid as if they were in raster order.

    The same permutation in every picture: *what* is kept, *where* is scrambled in a fixed way. On grids of at most one
    window (112 px) only the 2 x 2 blocks are out of order.

    Source: ``get_window_index`` of the published model; the plugin's tests hold the two together.
    """

    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """Another encoder's tokens [B, T, H, W, C] -> the same, out of order over H x W."""
        rows, cols = clips.shape[2:4]
        flat = clips.flatten(2, 3)
        out = flat[:, :, window_order(rows, cols).to(clips.device)]
        return dict.fromkeys(taps, TokenGrid(out.reshape_as(clips)))

    def facts(self) -> Mapping[str, Any]:
        """No weights, no attention."""
        return FACTS


@lru_cache(maxsize=8)
def window_order(rows: int, cols: int, merge: int = MERGE, window: int = WINDOW) -> Tensor:
    """Raster place of each token in the tower's sequence: window by window, in it block by block. [H * W] int64

    Windows at the right and lower edge are smaller where the grid is no multiple of one.
    """
    cells = [(row, col) for row in range(rows) for col in range(cols)]

    def place(cell: tuple[int, int]) -> tuple[int, ...]:
        row, col = cell
        return (row // window, col // window, row // merge, col // merge, row % merge, col % merge)

    return torch.tensor([row * cols + col for row, col in sorted(cells, key=place)])
