"""Cached token grids as everything downstream reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from foresight_harness.contracts.specs.grid_shape import GridShape
from foresight_harness.measuring.cache.arrays import StoredArray


@dataclass(frozen=True)
class CachedGrids:
    """Token grids of one tap over one split; a ``GridBatches`` that streams from the store."""

    array: StoredArray
    batch: int = 64

    @property
    def shape(self) -> GridShape:
        """Shape of one sample's grid."""
        frames, rows, cols, width = self.array.shape
        return GridShape(rows=rows, cols=cols, width=width, frames=frames)

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        for block in self.array.batches(self.batch):
            yield block.float()

    def take(self, indices: Sequence[int]) -> Tensor:
        """The grids of these samples. [len(indices), T, H, W, C] float32"""
        return self.array.take(indices).float()
