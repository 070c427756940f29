"""A split whose clips have two neighbouring frames exchanged: what order is measured against."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.identity import stream

if TYPE_CHECKING:
    from foresight_harness.measuring.extraction.splits import DecodedSplit

METHOD = "exchange/1"
"""Raised whenever the same clip gets another order."""


def exchanged(count: int, id: str) -> list[int]:
    """Frame numbers in an order in which two neighbours have changed places; which two follows from the clip's id."""
    place = int(stream(METHOD, id).integers(count - 1))
    order = list(range(count))
    order[place], order[place + 1] = order[place + 1], order[place]
    return order


def reordered(split: DecodedSplit) -> DecodedSplit:
    """The same clips, frames exchanged before any encoder sees them: a video encoder reads several frames at once.

    Raises:
        DataError: if the clips have less than two frames.
    """
    frames = split.clips.shape[0]
    if frames < 2:
        raise DataError(f"data set {split.dataset}: clips of {frames} frame have no order")
    orders = torch.tensor([exchanged(frames, id) for id in split.labels.ids])
    foreground = split.labels.foreground[torch.arange(len(orders))[:, None], orders]
    mark = hashlib.sha256(f"{split.fingerprint}:{METHOD}".encode()).hexdigest()
    clips: Any = _Reordered(split.clips, orders)
    return replace(split, fingerprint=mark, labels=replace(split.labels, foreground=foreground), clips=clips)


@dataclass(frozen=True)
class _Reordered:
    """Stored clips whose frames are read in another order. Reads as a ``StoredArray``."""

    clips: Any
    orders: Tensor
    """Frame numbers of each clip. [n, T] int64"""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one clip."""
        shape: tuple[int, ...] = self.clips.shape
        return shape

    def __len__(self) -> int:
        return len(self.clips)

    def batches(self, size: int) -> Iterator[Tensor]:
        """Consecutive clips, at most ``size`` at a time. [b, T, 3, H_px, W_px]"""
        start = 0
        for block in self.clips.batches(size):
            yield self._turned(block, self.orders[start : start + len(block)])
            start += len(block)

    def take(self, indices: Sequence[int]) -> Tensor:
        """The clips of these samples. [len(indices), T, 3, H_px, W_px]"""
        return self._turned(self.clips.take(indices), self.orders[list(indices)])

    @staticmethod
    def _turned(block: Tensor, orders: Tensor) -> Tensor:
        return block[torch.arange(len(block))[:, None], orders]
