"""What scores of many candidates on the same samples say about their means together; every comparison reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foresight_harness.parts.statistics.bootstrap import cluster_of, cluster_sums
from foresight_harness.parts.statistics.interval import Floats, Ints
from foresight_harness.parts.statistics.seed_spread import SeedSpread, seed_spread

DRAWS = 4000
SIGNS_AT_ONCE = 2**22
"""32 MiB of signs, however many clusters there are."""
FLOOR = 1e-2
"""Least variance of a pair, as a share of its mean square: equal differences divide by zero, and rounding decides."""


class PairErrors(NamedTuple):
    """Differences of pairs of candidates, and how large they may get by chance."""

    difference: Floats
    """Mean of first minus second. [p]"""
    error: Floats
    """Standard error, of samples and seeds. [p]"""
    statistic: Floats
    """Difference over its error. [p]"""
    bend: Floats
    """Skewness of the statistic, over the root of the clusters; 0 where it is not known. [p]"""
    spread: Floats
    """Mean square of the clusters' deviations. [p]"""
    seed_variance: Floats
    """[p]"""
    drawn: NDArray[np.float32]
    """Sizes of the statistic where the pair is equal, all pairs drawn together. [p, B]"""


@dataclass(frozen=True)
class SeedErrors:
    """What training seeds add to the errors of the means."""

    spread: SeedSpread | None
    """Of the candidates in ``trained``; None where nothing is trained."""
    trained: Ints
    """Indices of the trained candidates with at least two seeds."""
    unknown: frozenset[int]
    """Trained candidates with one seed: nothing is known of the others that it could have had."""
    candidates: int

    def variances(self) -> Floats:
        """Of the means. [k]"""
        found = np.zeros(self.candidates)
        if self.spread is not None:
            found[self.trained] = self.spread.variances
        return found

    def draw(self, count: int, random: np.random.Generator) -> Floats:
        """[count, k]"""
        found = np.zeros((count, self.candidates))
        if self.spread is not None:
            found[:, self.trained] = self.spread.draw(count, random)
        return found

    @classmethod
    def of(cls, by_seed: Sequence[Floats], trained: Sequence[bool]) -> SeedErrors:
        """From the means of each candidate's seeds. k x [S_i]"""
        several = np.array([i for i, rows in enumerate(by_seed) if trained[i] and len(rows) > 1], dtype=np.int64)
        unknown = frozenset(i for i, rows in enumerate(by_seed) if trained[i] and len(rows) == 1)
        spread = None
        if len(several):
            variances = np.array([by_seed[i].var(ddof=1) for i in several])
            spread = seed_spread(variances, np.array([len(by_seed[i]) for i in several], dtype=np.float64))
        return cls(spread, several, unknown, len(by_seed))


@dataclass(frozen=True)
class MeanEvidence:
    """Candidates whose metric has a value a sample: errors are drawn by flipping the signs of whole clusters.

    Where two candidates could as well have had each other's scores, flips are exact for any number of samples, ties
    and zeros included; they are drawn for all candidates at once, so that what the samples share is shared.
    """

    sums: Floats
    """Over each cluster, of the mean over seeds. [G, k]"""
    sizes: Floats
    """Samples of each cluster. [G]"""
    rows: tuple[Floats, ...]
    """Values on the samples that all candidates share. k x [S_i, n]"""
    groups: tuple[str, ...]
    seeds: SeedErrors
    left_out: int
    """Samples that some candidate has no value on."""

    @property
    def n(self) -> int:
        """Samples that all candidates share."""
        return len(self.groups)

    @property
    def clusters(self) -> int:
        """Clusters of these samples."""
        return len(self.sizes)

    @property
    def means(self) -> Floats:
        """[k]"""
        return np.asarray(self.sums.sum(axis=0) / self.sizes.sum(), dtype=np.float64)

    def identical(self, first: int, second: int) -> bool:
        """Whether two candidates have the same values, seed by seed."""
        ours, theirs = self.rows[first], self.rows[second]
        return ours.shape == theirs.shape and bool(np.array_equal(ours, theirs))

    def pair_errors(self, first: Ints, second: Ints, draws: int, seed: int) -> PairErrors:
        """Compare pairs of candidates. [p], [p]"""
        total, clusters = float(self.sizes.sum()), self.clusters
        differences = self.sums[:, first] - self.sums[:, second]
        squares = np.square(differences).sum(axis=0)
        difference = differences.sum(axis=0) / total
        seed_variance = (self.seeds.variances()[first] + self.seeds.variances()[second]).astype(np.float64)

        scale = clusters / (clusters - 1) / total**2
        deviations = (differences - self.sizes[:, None] * difference) / self.sizes.mean()
        spread = np.square(deviations).mean(axis=0)
        sampled = np.maximum(squares - np.square(difference * total) / clusters, FLOOR * squares) * scale
        error = np.sqrt(sampled + seed_variance)
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.nan_to_num(difference / error, posinf=0.0, neginf=0.0)
            bend = (deviations**3).mean(axis=0) / spread**1.5 / np.sqrt(clusters) * (sampled / error**2) ** 1.5
        flipped = self._flipped(self.sums, draws, np.random.default_rng(seed)).T.astype(np.float32)
        noise = flipped[first] - flipped[second]
        # The variance of a flipped sum, whose mean square is that of the sum itself.
        variance = np.square(noise)
        variance *= np.float32(-1 / clusters)
        variance += squares[:, None].astype(np.float32)
        np.maximum(variance, (FLOOR * squares)[:, None].astype(np.float32), out=variance)
        variance *= np.float32(scale)
        noise *= np.float32(1 / total)
        if self.seeds.spread is not None:
            shifts = self.seeds.draw(draws, np.random.default_rng([seed, 1])).T.astype(np.float32)
            noise += shifts[first] - shifts[second]
            variance += seed_variance[:, None].astype(np.float32)
        drawn = np.abs(noise, out=noise)
        drawn /= np.sqrt(np.maximum(variance, np.finfo(np.float32).tiny, out=variance), out=variance)
        return PairErrors(difference, error, statistic, np.nan_to_num(bend), spread, seed_variance, drawn)

    def mean_errors(self, draws: int, seed: int) -> Floats:
        """Errors of all means in units of their standard errors, drawn together. [B, k]"""
        residuals = self.sums - self.sizes[:, None] * self.means
        total, clusters = float(self.sizes.sum()), self.clusters
        sampled = np.square(residuals).sum(axis=0) * clusters / (clusters - 1) / total**2
        error = np.sqrt(sampled + self.seeds.variances())
        noise = self._flipped(residuals, draws, np.random.default_rng([seed, 2])) / total
        noise += self.seeds.draw(draws, np.random.default_rng([seed, 3]))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.nan_to_num(noise / error), dtype=np.float64)

    @staticmethod
    def _flipped(sums: Floats, draws: int, random: np.random.Generator) -> Floats:
        """Sums over clusters under random signs; shared by all columns. [B, k]"""
        found = np.empty((draws, sums.shape[1]))
        step = max(SIGNS_AT_ONCE // len(sums), 1)
        for start in range(0, draws, step):
            rows = min(step, draws - start)
            packed = random.integers(0, 256, (rows, -(-len(sums) // 8)), dtype=np.uint8)
            bits = np.unpackbits(packed, axis=1, count=len(sums))
            found[start : start + rows] = (1.0 - 2.0 * bits) @ sums
        return found


def mean_evidence(
    values: Sequence[Floats], groups: Sequence[str], trained: Sequence[bool] | None = None
) -> MeanEvidence:
    """Gather the scores of a board.

    Args:
        values: Of each candidate, one row a seed, in one sample order; NaN where undefined. k x [S_i, n]
        groups: Cluster of each sample. [n]
        trained: Which candidates another seed would change; those with seeds that differ are in any case. A trained
            one with a single seed is told from nothing.

    Raises:
        ValueError: if shapes do not match, or a candidate has no value at all.
    """
    rows = [np.atleast_2d(np.asarray(one, dtype=np.float64)) for one in values]
    if not rows or any(one.ndim != 2 or one.shape[1] != len(groups) or not len(one) for one in rows):
        shapes = ", ".join(str(one.shape) for one in rows)
        raise ValueError(f"values of shapes {shapes} for {len(groups)} samples: pass [seeds, samples] a candidate")
    for place, one in enumerate(rows):
        if np.isnan(one).all():
            raise ValueError(f"candidate {place} has no value: leave it out of the board")
    there = np.asarray(~np.any([np.isnan(one).any(axis=0) for one in rows], axis=0))
    kept = tuple(one[:, there] for one in rows)
    names = tuple(group for group, has in zip(groups, there.tolist(), strict=True) if has)
    changed = [len(one) > 1 and bool((one != one[0]).any()) for one in kept]
    known = changed if trained is None else [said or seen for said, seen in zip(trained, changed, strict=True)]
    seeds = SeedErrors.of([one.mean(axis=1) if one.size else one[:, 0] for one in kept], known)
    averaged = np.stack([one.mean(axis=0) for one in kept], axis=1)
    sums, valid = cluster_sums(averaged, cluster_of(names))
    return MeanEvidence(sums, valid[:, 0], kept, names, seeds, len(groups) - len(names))
