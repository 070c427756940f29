"""One stored array: shards of samples, read by memory map."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

TENSOR = "items"
"""Name of the tensor in every shard."""


@dataclass(frozen=True)
class StoredArray:
    """Samples along the first axis, in order, over one or more shards."""

    folder: Path
    shape: tuple[int, ...]
    """Of one sample."""
    dtype: str
    files: tuple[str, ...]
    counts: tuple[int, ...]
    """Samples of each shard."""

    def __len__(self) -> int:
        return sum(self.counts)

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for count in self.counts:
            starts.append(starts[-1] + count)
        return starts

    @cached_property
    def _shards(self) -> list[Any]:
        """Open maps; pages are loaded as they are touched."""
        opened = [safe_open(self.folder / name, framework="pt", device="cpu") for name in self.files]
        return [shard.get_slice(TENSOR) for shard in opened]  # type: ignore[no-untyped-call]

    def batches(self, size: int) -> Iterator[Tensor]:
        """Consecutive samples, at most ``size`` at a time. [b, ...]"""
        for index, count in enumerate(self.counts):
            for start in range(0, count, size):
                yield self._shards[index][start : min(start + size, count)]

    def take(self, indices: Sequence[int]) -> Tensor:
        """The samples of these indices, in this order. [len(indices), ...]"""
        items = []
        for index in indices:
            shard = bisect.bisect_right(self._starts, index) - 1
            local = index - self._starts[shard]
            items.append(self._shards[shard][local : local + 1])
        return torch.cat(items)
