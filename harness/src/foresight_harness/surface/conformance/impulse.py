"""The impulse locator: change one small square of a picture, and the token that covers it must change most.

It catches what no shape check sees: window order left in, rows and columns swapped, a prefix token kept, a crop,
padding that shifts the picture. The sizes are chosen so that window permutations are neither identity nor involution.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from foresight_harness.contracts.protocols import Encoder
from foresight_harness.measuring.admission.observing import observing
from foresight_harness.parts.checks.failures import require
from foresight_harness.parts.checks.pictures import random_clips, touch_cell

SIZES = ((224, 336), (336, 224), (140, 196), (224, 224))
"""Rows and columns of the pictures, in pixels: oblong both ways, and square as those of a run are."""


@dataclass(frozen=True)
class Impulse:
    """One square touched, and where the features changed most."""

    tap: str
    size: tuple[int, int]
    grid: tuple[int, int]
    touched: tuple[int, int]
    """Row and column of the cell that was repainted."""
    found: tuple[int, int]
    """Row and column of the token that changed most."""

    @property
    def cells_off(self) -> int:
        """Distance between the two, along the worse axis."""
        return max(abs(self.touched[0] - self.found[0]), abs(self.touched[1] - self.found[1]))

    def __str__(self) -> str:
        return (
            f"{self.tap} at {self.size[0]}x{self.size[1]} px ({self.grid[0]}x{self.grid[1]} tokens): "
            f"touched {self.touched}, changed most at {self.found}"
        )


def impulse_cells(rows: int, cols: int) -> list[tuple[int, int]]:
    """Two opposite corners and two places inside that no transposition maps onto each other."""
    places = [(0, 0), (rows - 1, cols - 1), (rows // 3, (2 * cols) // 3), ((2 * rows) // 3, cols // 4), (0, cols - 1)]
    return list(dict.fromkeys(places))


def locate_impulse(encoder: Encoder, tap: str, size: tuple[int, int], *, seed: int = 0) -> list[Impulse]:
    """Touch one cell after the other, and find the token that changes most.

    Cells are cells of the tap's own grid, so an encoder that squashes to a square and one that keeps the aspect are
    treated alike: the grid must cover the whole picture.

    Args:
        encoder: Built with any weights.
        tap: Where to read.
        size: Rows and columns of the picture, in pixels.
        seed: Of the base picture.

    Returns:
        One finding for each place of ``impulse_cells``.
    """
    base = random_clips(size, seed=seed)
    before = encoder.encode(base, [tap])[tap].tokens.double()
    rows, cols = before.shape[2:4]
    cells = impulse_cells(rows, cols)
    touched = torch.stack([touch_cell(base[0], cell, (rows, cols)) for cell in cells])
    after = encoder.encode(touched, [tap])[tap].tokens.double()
    change = (after - before).norm(dim=-1).mean(1).flatten(1)
    peaks = [divmod(int(index), cols) for index in change.argmax(1)]
    return [Impulse(tap, size, (rows, cols), cell, peak) for cell, peak in zip(cells, peaks, strict=True)]


def check_impulse(
    encoder: Encoder, tap: str, *, sizes: tuple[tuple[int, int], ...] = SIZES, tolerance_cells: int = 0
) -> None:
    """Every impulse is found where it was made; one cell off behind convolutions of odd width that are wider than their
    stride, which centre no cell. Raises: ConformanceError listing the first that is not."""
    with observing() as seen:
        findings = [finding for size in sizes for finding in locate_impulse(encoder, tap, size)]
    allowed = max(tolerance_cells, 1 if seen.overlapping else 0)
    wrong = [finding for finding in findings if finding.cells_off > allowed]
    require(
        not wrong,
        f"{len(wrong)} of {len(findings)} impulses are found elsewhere; first: {wrong[0] if wrong else ''}. "
        "Is the raster order right (windows undone, rows before columns, prefix tokens dropped, nothing cropped)? "
        "A network that cannot centre its cells declares tolerance_cells",
    )


def check_impulse_in_time(encoder: Encoder, tap: str, *, stride_frames: int, size: tuple[int, int]) -> None:
    """Changing one frame changes its own temporal slot most. Raises: ConformanceError."""
    frames = 4 * stride_frames
    clip = random_clips(size, frames=frames, seed=1)
    before = encoder.encode(clip, [tap])[tap].tokens.double()
    for frame in (0, frames - stride_frames - 1):
        touched = clip.clone()
        touched[:, frame] = 1 - touched[:, frame]
        after = encoder.encode(touched, [tap])[tap].tokens.double()
        slot = int((after - before).norm(dim=-1).mean((0, 2, 3)).argmax())
        require(
            slot == frame // stride_frames,
            f"{tap}: frame {frame} of {frames} belongs to slot {frame // stride_frames}, but slot {slot} changed most",
        )
