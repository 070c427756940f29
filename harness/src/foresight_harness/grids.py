"""Public path: token grids, their shapes, how they are resampled, and splits of them with what is known beside."""

from __future__ import annotations

from foresight_harness.contracts.batches import GridBatches, Labels, TensorBatches, gather
from foresight_harness.contracts.specs.grid_shape import GridShape
from foresight_harness.contracts.token_grids import MAX_ENLARGEMENT, TokenGrid, require_finite, resample_tokens
from foresight_harness.parts.grid_modules.positions import cell_centres, fourier_encoding

__all__ = [
    "MAX_ENLARGEMENT",
    "GridBatches",
    "GridShape",
    "Labels",
    "TensorBatches",
    "TokenGrid",
    "cell_centres",
    "fourier_encoding",
    "gather",
    "require_finite",
    "resample_tokens",
]
