"""One stored array: shards of samples, read by memory map."""

from __future__ import annotations

import bisect
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from foresight_harness.contracts.errors import CacheError

TENSOR = "items"
"""Name of the tensor in every shard."""

MAPPED = 2
"""Shards of one array that stay mapped. Pages of a map count as the process's memory until it is given up, so mapping
everything that was read once would make a process seem to grow with the data set."""


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
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What was written beside the samples. JSON types"""

    def __len__(self) -> int:
        return sum(self.counts)

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for count in self.counts:
            starts.append(starts[-1] + count)
        return starts

    @cached_property
    def _mapped(self) -> OrderedDict[int, Any]:
        """Maps that are open, the one read last at the end."""
        return OrderedDict()

    def _shard(self, index: int) -> Any:
        """The map of a shard; its pages are loaded as they are touched.

        Raises:
            CacheError: if the file is gone or cannot be read.
        """
        mapped = self._mapped
        if index not in mapped:
            path = self.folder / self.files[index]
            try:
                shard = safe_open(path, framework="pt", device="cpu")  # type: ignore[no-untyped-call]
            except (OSError, SafetensorError) as error:
                raise CacheError(
                    f"{path} was there when this run began and cannot be read now ({error}): was the cache pruned or "
                    "its disk lost? Run again with --resume, and the features are made anew"
                ) from error
            mapped[index] = shard.get_slice(TENSOR)  # type: ignore[no-untyped-call]
            while len(mapped) > MAPPED:
                mapped.popitem(last=False)
        mapped.move_to_end(index)
        return mapped[index]

    def batches(self, size: int) -> Iterator[Tensor]:
        """Consecutive samples, at most ``size`` at a time. [b, ...]"""
        for index, count in enumerate(self.counts):
            for start in range(0, count, size):
                yield self._shard(index)[start : min(start + size, count)]

    def whole(self) -> Tensor:
        """All samples as one tensor, mapped where they lie in one shard. [n, ...]"""
        blocks = list(self.batches(max(self.counts)))
        return blocks[0] if len(blocks) == 1 else torch.cat(blocks)

    def take(self, indices: Sequence[int]) -> Tensor:
        """The samples of these indices, in this order, copied. [len(indices), ...]

        Read shard by shard, and what lies together at once: a random batch opens no shard twice.
        """
        found: Tensor | None = None
        for shard, place, local, count in self._runs(indices):
            block = self._shard(shard)[local : local + count]
            if found is None:
                found = torch.empty((len(indices), *self.shape), dtype=block.dtype)
            found[place : place + count] = block
        if found is None:
            raise CacheError(f"no sample was asked for, of {len(self)} in {self.folder.name[:12]}")
        return found

    def _runs(self, indices: Sequence[int]) -> list[tuple[int, int, int, int]]:
        """Shard, place in the answer, index in the shard and length of every stretch that lies together, by shard."""
        runs: list[tuple[int, int, int, int]] = []
        for place, index in enumerate(indices):
            shard = bisect.bisect_right(self._starts, index) - 1
            local = index - self._starts[shard]
            if runs:
                last, first, start, count = runs[-1]
                if last == shard and first + count == place and start + count == local:
                    runs[-1] = (last, first, start, count + 1)
                    continue
            runs.append((shard, place, local, 1))
        return sorted(runs)
