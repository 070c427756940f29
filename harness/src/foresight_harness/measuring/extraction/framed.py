"""A split of which only some frames are shown: what was seen, and what came after."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from foresight_harness.contracts.errors import DataError

if TYPE_CHECKING:
    from foresight_harness.measuring.extraction.splits import DecodedSplit

METHOD = "frames/1"


def framed(split: DecodedSplit, frames: Sequence[int]) -> DecodedSplit:
    """The same clips with these frames alone, as if nothing else had been recorded. Boxes are left out.

    Raises:
        DataError: if a clip has no such frame.
    """
    there = split.clips.shape[0]
    if not frames or not all(0 <= frame < there for frame in frames):
        raise DataError(f"data set {split.dataset}: frames {list(frames)} asked of clips of {there}")
    chosen = torch.tensor(list(frames))
    mark = hashlib.sha256(f"{split.fingerprint}:{METHOD}:{list(frames)}".encode()).hexdigest()
    empty: dict[str, Any] = {"boxes": (torch.zeros(0, 4),) * len(split), "names": ((),) * len(split)}
    empty |= {"crowds": (), "crowd_names": ()}
    labels = replace(split.labels, foreground=split.labels.foreground[:, chosen], **empty)
    clips: Any = _Framed(split.clips, chosen)
    return replace(split, fingerprint=mark, labels=labels, clips=clips)


@dataclass(frozen=True)
class _Framed:
    """Stored clips of which some frames are read. Reads as a ``StoredArray``."""

    clips: Any
    frames: Tensor
    """Their numbers. [T] int64"""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one clip."""
        return (len(self.frames), *self.clips.shape[1:])

    def __len__(self) -> int:
        return len(self.clips)

    def batches(self, size: int) -> Iterator[Tensor]:
        """Consecutive clips, at most ``size`` at a time. [b, T, 3, H_px, W_px]"""
        for block in self.clips.batches(size):
            yield block[:, self.frames]

    def take(self, indices: Sequence[int]) -> Tensor:
        """The clips of these samples. [len(indices), T, 3, H_px, W_px]"""
        found: Tensor = self.clips.take(indices)[:, self.frames]
        return found
