"""Which tiles a picture is cut into, and which of their tokens belong to the picture: arithmetic without torch.

Source: the rules of LlavaNextImageProcessor and of ``unpad_image`` in transformers 5.23, which the language model was
trained with; we follow their rounding, because the number of tokens depends on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Tiling:
    """A picture on a rectangle of square tiles."""

    tile_rows: int
    tile_cols: int
    resized: tuple[int, int]
    """Rows and columns in pixels that the picture is resized to."""
    offset: tuple[int, int]
    """Rows above and columns left of the picture, in pixels."""
    rows: tuple[int, int]
    """First token row of the picture and the one after its last, on the rectangle's token grid."""
    cols: tuple[int, int]
    """The same of token columns."""

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of tokens that belong to the picture."""
        return self.rows[1] - self.rows[0], self.cols[1] - self.cols[0]


def tile_picture(size: tuple[int, int], pinpoints: Sequence[Sequence[int]], tile_px: int, tile_tokens: int) -> Tiling:
    """Choose tiles for a picture and place it on them.

    Args:
        size: Rows and columns of the picture in pixels.
        pinpoints: Rectangles on offer, rows and columns in pixels.
        tile_px: Side of a tile in pixels.
        tile_tokens: Side of a tile in tokens.
    """
    target = best_rectangle(size, pinpoints)
    resized = _fit(size, target)
    tiles = (target[0] // tile_px, target[1] // tile_px)
    rows, cols = _token_box(size, (tiles[0] * tile_tokens, tiles[1] * tile_tokens))
    offset = ((target[0] - resized[0]) // 2, (target[1] - resized[1]) // 2)
    return Tiling(*tiles, resized, offset, rows, cols)


def best_rectangle(size: tuple[int, int], pinpoints: Sequence[Sequence[int]]) -> tuple[int, int]:
    """The rectangle that keeps most of the picture's pixels, and of those the one with least waste; first of equals."""

    def merit(target: Sequence[int]) -> tuple[int, int]:
        scale = min(target[1] / size[1], target[0] / size[0])
        kept = min(int(size[1] * scale) * int(size[0] * scale), size[0] * size[1])
        return kept, kept - target[0] * target[1]

    rows, cols = max(pinpoints, key=merit)
    return rows, cols


def _fit(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int]:
    """Largest size of the same aspect ratio within ``target``, rounded up."""
    by_rows, by_cols = target[0] / size[0], target[1] / size[1]
    if by_cols < by_rows:
        return min(math.ceil(size[0] * by_cols), target[0]), target[1]
    return target[0], min(math.ceil(size[1] * by_rows), target[1])


def _token_box(size: tuple[int, int], grid: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Rows and columns of the token grid that are not border; equal borders are cut on both sides."""
    rows, cols = grid
    if size[1] / size[0] > cols / rows:
        border = (rows - int(round(size[0] * (cols / size[1]), 7))) // 2
        return (border, rows - border), (0, cols)
    border = (cols - int(round(size[1] * (rows / size[0]), 7))) // 2
    return (0, rows), (border, cols - border)
