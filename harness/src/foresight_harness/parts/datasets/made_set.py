"""What all sets that are made rather than read share: their request, identity, random streams and sample names."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from foresight_harness.contracts.protocols import Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.identity import checked_index, fingerprint, positive, required_count, stream
from foresight_harness.parts.datasets.motion import clip_frames


class MadeSet(ABC):
    """A data set without end; each sample depends on seed, split and index alone, not on count or order of access."""

    name: str
    generator: ClassVar[str]
    """Name and version of the recipe; raised whenever the same seed gives other pictures."""
    least_canvas_px: ClassVar[int]
    moves: ClassVar[bool] = False
    """Whether samples are clips of several frames."""

    def __init__(self, request: DataRequest, **facts: object) -> None:
        """
        Args:
            request: What is asked of the set.
            facts: What else decides which samples are made (JSON types).

        Raises:
            DataError: without a count, with a canvas under ``least_canvas_px``, or with frames that are not 8k+1.
        """
        self.split: str = request.split
        self._seed = request.seed
        self._count = required_count(self.name, request)
        self._canvas_px = positive(self.name, "canvas_px", request.canvas_px, self.least_canvas_px)
        if self.moves:
            self._frames = clip_frames(self.name, request)
            facts["frames"] = self._frames
        # The first sample is part of the fingerprint because numpy may change its streams between releases.
        self.fingerprint = fingerprint(
            generator=self.generator,
            split=self.split,
            count=self._count,
            seed=self._seed,
            canvas_px=self._canvas_px,
            first=digest(self._made(0)[0]),
            **facts,
        )

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        return self._sample(checked_index(index, len(self), self.name), f"{self._prefix}-{self.split}-{index:06d}")

    @property
    def _prefix(self) -> str:
        return f"{self.name}-{self._seed}"

    @abstractmethod
    def _made(self, index: int) -> tuple[Any, ...]:
        """Pixels as uint8, [H_px, W_px, 3] or [T, H_px, W_px, 3], and whatever else the sample is made of."""

    @abstractmethod
    def _sample(self, index: int, id: str) -> Sample:
        """The sample with that index, which is known to be inside the set, and that id."""

    def _random(self, index: int) -> np.random.Generator:
        """The sample's own random stream."""
        return stream(self.generator, self._seed, self.split, index)


def digest(array: np.ndarray[Any, Any]) -> str:
    """sha256 of an array's bytes."""
    return hashlib.sha256(array.tobytes()).hexdigest()
