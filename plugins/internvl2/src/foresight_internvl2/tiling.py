"""Which canvas of square tiles a picture is squashed to: arithmetic without torch.

Source: the dynamic tiling of the published model's code (``dynamic_preprocess``, 1 to 12 tiles and a thumbnail).
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_TILES = 12
"""Of a canvas; the thumbnail comes on top."""


@dataclass(frozen=True)
class Canvas:
    """A rectangle of square tiles."""

    rows: int
    cols: int

    @property
    def tiles(self) -> int:
        """Tiles that the picture is cut into."""
        return self.rows * self.cols

    @property
    def thumbnail(self) -> bool:
        """Whether the whole picture follows as one more tile."""
        return self.tiles > 1


def canvas_of(size: tuple[int, int], tile_px: int, max_tiles: int = MAX_TILES) -> Canvas:
    """The canvas whose aspect ratio is closest to a picture's.

    Of canvases equally close, a later one (more tiles) wins while the picture's area exceeds half of that canvas'.

    Args:
        size: Rows and columns of the picture in pixels.
        tile_px: Side of a tile in pixels.
        max_tiles: Most tiles of a canvas.
    """
    rows_px, cols_px = size
    shapes = [(rows, cols) for cols in range(1, max_tiles + 1) for rows in range(1, max_tiles // cols + 1)]
    best, nearest = Canvas(1, 1), float("inf")
    for rows, cols in sorted(shapes, key=lambda shape: (shape[0] * shape[1], shape[1])):
        distance = abs(cols_px / rows_px - cols / rows)
        more = distance == nearest and rows_px * cols_px > 0.5 * tile_px**2 * rows * cols
        if distance < nearest or more:
            best, nearest = Canvas(rows, cols), distance
    return best
