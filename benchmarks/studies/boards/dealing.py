"""Candidates whose truth is known, dealt from the stored scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from foresight_harness.parts.metrics.matches import SortedMatches
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Random = np.random.Generator

SCORES = Path(__file__).with_name("scores.npz")


def names(count: int, each: int = 1) -> list[str]:
    """Clusters of ``each`` samples."""
    return [str(index // each) for index in range(count * each)]


class Scores:
    """The stored scores, and candidates made of them; the truth is the mean over all stored pictures."""

    def __init__(self, path: Path = SCORES) -> None:
        stored = np.load(path)
        self.seed = int(stored["seed"]) if "seed" in stored else 0
        self.iou: Floats = stored["iou"] / 4095.0
        self.by_seed: Floats = stored["by_seed"] / 4095.0
        self.objects: Floats = stored["objects"].astype(np.float64)
        self.matches = [tuple(stored[f"{part}{place}"] for part in "psh") for place in range(3)]
        everyone = np.concatenate([self.iou, self.by_seed.reshape(-1, self.iou.shape[1])])
        self.everyone, self.keep = everyone, everyone.mean(axis=1).min() / everyone.mean(axis=1)

    def pictures(self, random: Random, count: int) -> NDArray[np.int64]:
        """Drawn with replacement."""
        return random.integers(0, self.iou.shape[1], count)

    def exchanged(self, random: Random, candidates: int, pictures: int) -> tuple[Floats, float]:
        """Equal candidates [k, n] and their true mean: on each picture, encoders dealt anew."""
        drawn = self.iou[:, self.pictures(random, pictures)]
        dealt = random.permuted(np.arange(40).reshape(-1, 1).repeat(pictures, 1) % 8, axis=0)[:candidates]
        return np.take_along_axis(drawn, dealt, 0), float(self.iou.mean())

    def thinned(self, random: Random, candidates: int, pictures: int) -> tuple[Floats, float]:
        """Candidates of equal means and unequal laws [k, n]."""
        chosen = random.permutation(len(self.everyone))[:candidates]
        drawn = self.everyone[np.ix_(chosen, self.pictures(random, pictures))]
        return drawn * (random.random(drawn.shape) < self.keep[chosen, None]), float(self.everyone.mean(axis=1).min())


class Matches:
    """Detections of one encoder by picture; ranks made comparable between encoders."""

    def __init__(self, scores: Scores, place: int) -> None:
        picture, rank, hit = scores.matches[place]
        self.objects, self.rank, self.hit = scores.objects, rank / rank.max(), hit.astype(bool)
        self.start = np.searchsorted(picture, np.arange(len(scores.objects) + 1))

    def of(self, pictures: NDArray[np.int64]) -> Callable[[Floats], Floats]:
        """Average precision of this encoder on the pictures, by their weights."""
        return dealt_precision([self], pictures, np.zeros(len(pictures), dtype=np.int64))


def dealt_precision(
    pools: list[Matches], pictures: NDArray[np.int64], dealt: NDArray[np.int64]
) -> Callable[[Floats], Floats]:
    """Average precision of a candidate whose picture ``i`` is as encoder ``dealt[i]`` reads it."""
    parts = [
        slice(pools[one].start[picture], pools[one].start[picture + 1])
        for one, picture in zip(dealt, pictures, strict=True)
    ]
    rank = np.concatenate([pools[one].rank[part] for one, part in zip(dealt, parts, strict=True)])
    hit = np.concatenate([pools[one].hit[part] for one, part in zip(dealt, parts, strict=True)])
    place = np.repeat(np.arange(len(parts)), [part.stop - part.start for part in parts])
    order = np.argsort(-rank, kind="stable")
    return SortedMatches(place[order], np.flatnonzero(hit[order]), pools[0].objects[pictures]).average_precision
