"""Public path: token grids, their shapes and how they are resampled."""

from __future__ import annotations

from foresight_harness.contracts.specs.grid_shape import GridShape
from foresight_harness.contracts.token_grids import MAX_ENLARGEMENT, TokenGrid, require_finite, resample_tokens

__all__ = ["MAX_ENLARGEMENT", "GridShape", "TokenGrid", "require_finite", "resample_tokens"]
