"""The shape of a token grid, known before any tensor exists."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class GridShape:
    """Frames, rows, columns and width of a token grid; what modules are built from and plans are checked with."""

    rows: int
    cols: int
    width: int
    """Channels of one token."""
    frames: int = 1
    """Temporal slots (not pixels' frames: an encoder may pool several frames into one slot)."""
    is_set: bool = False
    """True where place in the grid carries no meaning (a token set, e.g. learned queries): 1 row, ``cols`` tokens."""

    @property
    def cells(self) -> int:
        """Tokens of one sample."""
        return self.frames * self.rows * self.cols

    def __str__(self) -> str:
        kind = " set" if self.is_set else ""
        return f"{self.frames}x{self.rows}x{self.cols}x{self.width}{kind}"
