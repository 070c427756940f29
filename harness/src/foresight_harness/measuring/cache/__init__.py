"""The content-addressed store of features, latents and decoded pictures."""

from __future__ import annotations

from foresight_harness.measuring.cache.arrays import StoredArray
from foresight_harness.measuring.cache.grids import CachedGrids
from foresight_harness.measuring.cache.keys import content_key
from foresight_harness.measuring.cache.store import ArrayStore, ArrayWriter

__all__ = ["ArrayStore", "ArrayWriter", "CachedGrids", "StoredArray", "content_key"]
