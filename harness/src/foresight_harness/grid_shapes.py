"""Public path: what a spec's ``output_shape`` asks of the grids that it is given. Imports no torch."""

from __future__ import annotations

from foresight_harness.contracts.specs.grid_shape import GridShape
from foresight_harness.parts.grid_modules.shapes import (
    bottleneck_width,
    largest_grid,
    require_count,
    require_equal_frames,
    require_grids,
    require_resampling,
)

__all__ = [
    "GridShape",
    "bottleneck_width",
    "largest_grid",
    "require_count",
    "require_equal_frames",
    "require_grids",
    "require_resampling",
]
