"""What probes are fitted to, and the checks that features and labels belong together."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from foresight_harness.contracts.batches import GridBatches, Labels
from foresight_harness.contracts.errors import GridError
from foresight_harness.contracts.specs.grid_shape import GridShape


def require_grid(probe: str, features: GridBatches, labels: Labels) -> GridShape:
    """The shape of the grids, if they are grids and there is one for each label.

    Raises:
        GridError: for token sets, or when the numbers of samples differ.
    """
    shape = features.shape
    if shape.is_set:
        raise GridError(
            f"probe {probe} reads places, and a token set ({shape}) has none: use a probe that attends (detr)"
        )
    require_one_label_each(probe, features, labels)
    return shape


def require_one_label_each(probe: str, features: GridBatches, labels: Labels) -> None:
    """Raises: GridError when the numbers of samples differ."""
    if len(features) != len(labels):
        raise GridError(f"probe {probe}: features of {len(features)} samples for labels of {len(labels)}: same split?")


def require_same_grid(probe: str, features: GridBatches, fitted: tuple[int, int, int]) -> None:
    """Raises: GridError when rows, columns or width differ from those that were fitted."""
    shape = features.shape
    if (shape.rows, shape.cols, shape.width) != fitted:
        raise GridError(
            f"probe {probe} was fitted to grids of {fitted[0]}x{fitted[1]}x{fitted[2]} (rows, columns, width) and is "
            f"given {shape.rows}x{shape.cols}x{shape.width}: fit and predict with one candidate's features"
        )


def last_coverage(labels: Labels, rows: int, cols: int) -> Tensor:
    """Share of each cell that objects cover in the last frame, the one whose boxes are known. [B, H, W] float32"""
    return replace(labels, foreground=labels.foreground[:, -1:]).coverage(rows, cols)[:, 0]
