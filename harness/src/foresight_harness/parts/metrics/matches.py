"""What is kept of each picture of average precision, so that a bootstrap can weigh pictures anew. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foresight_harness.contracts.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

BLOCK_NUMBERS = 2**14
"""Weighted detections that are worked on at once: 128 KiB an array."""

RECALLS = np.linspace(0.0, 1.0, 101)
"""COCO reads precision at these recalls."""


@dataclass(frozen=True)
class PictureMatches:
    """What one picture adds to average precision at one IoU threshold."""

    scores: tuple[float, ...]
    """Of the detections, best first."""
    hits: tuple[bool, ...]
    """Whether each detection found an object of its own."""
    objects: int
    """True objects in the picture."""

    def as_json(self) -> dict[str, Any]:
        """Mapping of strict JSON values."""
        return {"scores": list(self.scores), "hits": list(self.hits), "objects": self.objects}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> PictureMatches:
        """Inverse of ``as_json``. Raises: DataError if a field is absent, of another type or contradicts another."""
        scores, hits, objects = content.get("scores"), content.get("hits"), content.get("objects")
        if not isinstance(scores, list) or not all(type(score) in (int, float) for score in scores):
            raise DataError(f"matches: scores are a list of numbers, got {scores!r:.80}")
        if not isinstance(hits, list) or not all(type(hit) is bool for hit in hits):
            raise DataError(f"matches: hits are a list of booleans, got {hits!r:.80}")
        if type(objects) is not int or len(scores) != len(hits) or sum(hits) > objects:
            raise DataError(f"matches: {len(scores)} scores, {sum(hits)} of {len(hits)} hits, {objects!r} objects")
        if not all(map(math.isfinite, scores)) or any(a < b for a, b in pairwise(scores)):
            raise DataError("matches: scores are finite numbers, best first")
        return cls(tuple(map(float, scores)), tuple(hits), objects)


@dataclass(frozen=True)
class SortedMatches:
    """Detections of all pictures, sorted by score once."""

    picture: NDArray[np.intp]
    """Picture of each detection, best first. [D]"""
    hits: NDArray[np.intp]
    """Places of the hits among the detections, ascending. [H]"""
    objects: Floats
    """True objects of each picture. [P]"""

    @classmethod
    def of(cls, matches: Sequence[PictureMatches]) -> SortedMatches:
        """Sort as COCO does: by falling score, equal scores in the order of pictures."""
        scores = np.array([score for picture in matches for score in picture.scores], dtype=np.float64)
        picture = np.repeat(np.arange(len(matches)), [len(entry.scores) for entry in matches])
        hit = np.array([value for entry in matches for value in entry.hits], dtype=bool)
        order = np.argsort(-scores, kind="stable")
        return cls(picture[order], np.flatnonzero(hit[order]), np.array([m.objects for m in matches], dtype=np.float64))

    def average_precision(self, weights: Floats, *, block: int | None = None) -> Floats:
        """Average precision under each row of weights, exact for whole numbers.

        Args:
            weights: How often each picture counts; 0 or more. [R, P]
            block: Rows worked on at once, which bounds memory to about 3 x block x detections x 8 bytes; None takes as
                many as stay in a processor's cache.

        Returns:
            Values in [0, 1]; NaN where the weighted pictures hold no object. [R] float64
        """
        if weights.ndim != 2 or weights.shape[1] != len(self.objects):
            raise DataError(f"weights are [resamples, {len(self.objects)} pictures], got shape {weights.shape}")
        if not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise DataError("weights of pictures are finite and not negative")
        block = block or int(np.clip(BLOCK_NUMBERS // max(len(self.picture), 1), 8, 256))
        starts = range(0, len(weights), block)
        parts = [self._read(np.asarray(weights[start : start + block], dtype=np.float64)) for start in starts]
        if not parts:
            return np.empty(0)
        precision, reached = (np.concatenate(part) for part in zip(*parts, strict=True))
        values = np.full(len(weights), math.nan)
        for count in np.unique(reached[reached >= 0]):  # rows that reach equally many recalls are added up together
            rows = np.flatnonzero(reached == count)
            values[rows] = precision[rows, :count].sum(axis=1) / len(RECALLS)
        return values

    def _read(self, weights: Floats) -> tuple[Floats, Ints]:
        """Precision at the recalls that each row of weights reaches, and how many these are; -1 without an object.

        The recalls that are reached come first, so what stands behind them is not to be read. [r, 101], [r]
        """
        # Precision peaks at hits and recall moves there alone, so curves are read at hits only. Rows of weights lie
        # side by side: processors add many of them up at once.
        count, side_by_side = len(weights), np.ascontiguousarray(weights.T)
        seen = np.cumsum(side_by_side[self.picture], axis=0)[self.hits]
        found = np.cumsum(side_by_side[self.picture[self.hits]], axis=0)
        total = weights @ self.objects
        precision = found / (seen + np.spacing(1))
        envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
        # Sums of fractions miss full recall by rounding; whole numbers are exact and compared as COCO compares them.
        slack = np.where((weights == np.rint(weights)).all(axis=1), 0.0, 1e-12)
        there = total > 0
        recall = found / np.where(there, total, 1.0) + slack
        # The first hit at or beyond each recall has as many hits before it as lie below that recall.
        above = np.searchsorted(RECALLS, recall.ravel(), side="right").reshape(recall.shape)
        size = len(RECALLS) + 1
        counts = np.bincount((above + np.arange(count) * size).ravel(), minlength=count * size)
        first = counts.reshape(count, size)[:, :-1].cumsum(axis=1)
        reached = np.where(there, (first < len(self.hits)).sum(axis=1), -1)
        if not len(self.hits):
            return np.zeros(first.shape), reached
        return envelope[np.minimum(first, len(self.hits) - 1), np.arange(count)[:, None]], reached
