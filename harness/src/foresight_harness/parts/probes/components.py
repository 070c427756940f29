"""Connected parts of many maps at once, and what the maps look like around their edges."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from foresight_harness.parts.probes.boxes import Floats, Ints

MARGIN = 1
"""Cells around a component that its edges are read from."""

WINDOW = 2 * MARGIN + 1
"""Columns (or rows) seen at an edge: one outside, the edge itself, one inside."""

EIGHT_NEIGHBOURS = np.array([np.zeros((3, 3)), np.ones((3, 3)), np.zeros((3, 3))], dtype=bool)
"""Neighbours within a picture, corners included (thin slanted parts touch there); never between pictures."""


class Components(NamedTuple):
    """Connected cells above a threshold, of all pictures together, in picture order."""

    picture: Ints
    """Index of the picture. [n]"""
    cells: Ints
    """First row, first column, last row, last column; inclusive. [n, 4]"""
    score: Floats
    """Sum of what rises above the threshold; above 0. [n]"""

    def select(self, which: NDArray[np.bool_] | Ints) -> Components:
        """Some of the components, by index or mask."""
        return Components(self.picture[which], self.cells[which], self.score[which])

    def boxes(self, rows: int, cols: int) -> Floats:
        """Boxes along the cells' borders, xyxy in [0, 1]. [n, 4]"""
        first_row, first_col, last_row, last_col = self.cells.T
        return np.stack([first_col / cols, first_row / rows, (last_col + 1) / cols, (last_row + 1) / rows], axis=1)


def components(maps: Floats, threshold: float) -> Components:
    """Find connected cells above ``threshold``. [B, H, W]"""
    labelled, count = ndimage.label(maps > threshold, EIGHT_NEIGHBOURS)
    picture, row, col = np.nonzero(labelled)
    label = labelled[picture, row, col] - 1
    cells = np.empty((count, 4), dtype=np.int64)
    cells[:, :2], cells[:, 2:] = max(maps.shape), -1
    for place, (index, reduce) in enumerate(
        ((row, np.minimum), (col, np.minimum), (row, np.maximum), (col, np.maximum))
    ):
        column = cells[:, place].copy()
        reduce.at(column, label, index)
        cells[:, place] = column
    pictures = np.empty(count, dtype=np.int64)
    pictures[label] = picture
    score = np.bincount(label, maps[picture, row, col] - threshold, count).astype(np.float64)
    return Components(pictures, cells, score)


def ranked(found: Components) -> Components:
    """The same components in picture order, within a picture by falling score."""
    return found.select(np.lexsort((-found.score, found.picture)))


def edge_profiles(maps: Floats, found: Components, background: float) -> Floats:
    """Describe the map around each of a component's four edges, every edge seen from outside to inside.

    First the largest, second largest and summed values of the three columns (rows) across the edge, within the
    component's extent and one cell around; then the extent. The same numbers describe all four edges, so one regression
    serves them all.

    Args:
        maps: [B, H, W]
        found: n components of them.
        background: Value of cells outside the picture.

    Returns:
        Left, top, right, bottom. [n, 4, 3 * WINDOW + 4]
    """
    padded = np.pad(maps, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)), constant_values=background)[found.picture]
    first_row, first_col, last_row, last_col = found.cells.T + MARGIN
    height, width = last_row - first_row + 1, last_col - first_col + 1
    turned = padded.transpose(0, 2, 1)
    return np.stack(
        [
            _edge(padded, first_row, last_row, first_col, 1, width, height),
            _edge(turned, first_col, last_col, first_row, 1, height, width),
            _edge(padded, first_row, last_row, last_col, -1, width, height),
            _edge(turned, first_col, last_col, last_row, -1, height, width),
        ],
        axis=1,
    )


def _edge(maps: Floats, first: Ints, last: Ints, edge: Ints, inward: int, across: Ints, along: Ints) -> Floats:
    """Profiles of one edge of each component. [n, H, W] -> [n, 3 * WINDOW + 4]"""
    columns = edge[:, None] + inward * np.arange(-MARGIN, MARGIN + 1)
    seen = np.take_along_axis(maps, columns[:, None, :], axis=2)
    rows = np.arange(maps.shape[1])
    inside = ((rows >= first[:, None] - MARGIN) & (rows <= last[:, None] + MARGIN))[:, :, None]
    ordered = np.partition(np.where(inside, seen, -np.inf), -2, axis=1)
    summed = np.where(inside, seen, 0).sum(1)
    extent = np.stack([across, along, 1 / across, 1 / along], axis=1)
    return np.concatenate([ordered[:, -1], ordered[:, -2], summed, extent], axis=1)
