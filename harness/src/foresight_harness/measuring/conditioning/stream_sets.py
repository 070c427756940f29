"""The cached inputs of one candidate over one split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from foresight_harness.contracts.errors import GridError
from foresight_harness.contracts.pairing import require_same_samples
from foresight_harness.contracts.specs import GridShape
from foresight_harness.measuring.cache.grids import CachedGrids
from foresight_harness.measuring.extraction.splits import DecodedSplit

TapTensors = list[list[Tensor]]
"""For each stream its taps, in the order the candidate names them. [b, T, H, W, C] each"""


@dataclass(frozen=True)
class StreamSet:
    """For each stream of a candidate its cached taps, and the clips they were made of."""

    taps: tuple[tuple[CachedGrids, ...], ...]
    split: DecodedSplit

    def __post_init__(self) -> None:
        counts = {len(grids) for grids in self._every()}
        if counts != {len(self.split)}:
            raise GridError(f"streams of {sorted(counts)} samples cannot be read beside {len(self.split)} pictures")
        require_same_samples(f"streams over {self.split.dataset}/{self.split.split}", self.split, *self._every())

    def _every(self) -> list[CachedGrids]:
        return [grids for stream in self.taps for grids in stream]

    @property
    def ids(self) -> tuple[str, ...]:
        """Name of each sample."""
        return self.split.ids

    def __len__(self) -> int:
        return len(self.split)

    def shapes(self) -> list[list[GridShape]]:
        """Shape of every tap, by stream."""
        return [[grids.shape for grids in stream] for stream in self.taps]

    def batches(self, size: int, *, clips: bool) -> Iterator[tuple[TapTensors, Tensor | None]]:
        """Consecutive samples, with their clips where a module wants them."""
        for start in range(0, len(self), size):
            yield self.take(range(start, min(start + size, len(self))), clips=clips)

    def take(self, indices: Sequence[int], *, clips: bool) -> tuple[TapTensors, Tensor | None]:
        """The samples of these indices."""
        tokens = [[grids.take(indices) for grids in stream] for stream in self.taps]
        return tokens, self.split.take(indices) if clips else None
