"""Features and labels as everything downstream of extraction sees them: streamed, in sample order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_harness.contracts.specs.grid_shape import GridShape


class GridBatches(Protocol):
    """Token grids of one split in sample order; may be iterated any number of times."""

    @property
    def shape(self) -> GridShape:
        """Shape of one sample's grid."""
        ...

    def __len__(self) -> int:
        """Number of samples (not of batches)."""
        ...

    def __iter__(self) -> Iterator[Tensor]:
        """Consecutive batches. [b, T, H, W, C] float32"""
        ...


@dataclass(frozen=True)
class TensorBatches:
    """Grids that are already in memory."""

    tokens: Tensor
    """[B, T, H, W, C]"""
    batch: int = 64

    @property
    def shape(self) -> GridShape:
        """Shape of one sample's grid."""
        _, frames, rows, cols, width = self.tokens.shape
        return GridShape(rows=rows, cols=cols, width=width, frames=frames)

    def __len__(self) -> int:
        return int(self.tokens.shape[0])

    def __iter__(self) -> Iterator[Tensor]:
        for start in range(0, len(self), self.batch):
            yield self.tokens[start : start + self.batch].float()


def gather(batches: GridBatches) -> Tensor:
    """All grids in one tensor, for methods that cannot stream. [B, T, H, W, C] float32"""
    return torch.cat(list(batches))


@dataclass(frozen=True)
class Labels:
    """What is known about the samples of one split, in sample order."""

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    """The cluster of each sample: its source picture or video."""
    boxes: Sequence[Tensor]
    """Boxes of the last frame of each sample, xyxy in [0, 1]. B x [N_i, 4] float32"""
    foreground: Tensor
    """Union of the objects' masks (of their boxes where there are no masks). [B, T, H_px, W_px] bool"""
    names: Sequence[tuple[str, ...]] = ()
    motion: Sequence[Mapping[str, Any]] = ()
    """Motion labels of each sample; empty mappings, or nothing at all, for pictures."""
    crowds: Sequence[Tensor] = ()
    """Crowds in the last frame of each sample, or nothing at all. B x [K_i, 4] float32"""
    crowd_names: Sequence[tuple[str, ...]] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def coverage(self, rows: int, cols: int, *, frames: int | None = None) -> Tensor:
        """Share of each cell that objects cover.

        Args:
            rows: Rows of the grid, in tokens.
            cols: Columns of the grid, in tokens.
            frames: Temporal slots of the grid; None is one slot a frame. Several frames share a slot by averaging.

        Returns:
            Values in [0, 1]. [B, T, H, W] float32
        """
        batch, time = self.foreground.shape[:2]
        slots = frames or time
        cells = torch.empty(batch, slots, rows, cols)
        for start in range(0, batch, 256):
            block = self.foreground[start : start + 256].float().unsqueeze(1)
            cells[start : start + 256] = F.adaptive_avg_pool3d(block, (slots, rows, cols)).squeeze(1)
        return cells

    def crowds_of(self, index: int) -> Tensor:
        """Crowds of one sample; often none. [K, 4]"""
        return self.crowds[index] if index < len(self.crowds) else torch.zeros(0, 4)

    def object_counts(self) -> list[int]:
        """Number of objects of each sample."""
        return [int(boxes.shape[0]) for boxes in self.boxes]
