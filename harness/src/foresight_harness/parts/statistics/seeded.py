"""Differences of two candidates that were each trained with several seeds: samples and seeds both count as noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from foresight_harness.parts.statistics.bootstrap import LEVEL, cluster_of
from foresight_harness.parts.statistics.interval import Floats, Interval
from foresight_harness.parts.statistics.power import standard_error


class Seeded(NamedTuple):
    """What two candidates differ by, over the samples they share and the seeds they do not."""

    difference: float
    """Mean of first minus second; NaN where no sample has both values."""
    interval: Interval | None
    p_value: float | None
    """Two-sided t; None where there is nothing to test."""
    sample_error: float
    """Standard error from the samples."""
    seed_error: float
    """Standard error from the seeds."""
    n: int
    identical: bool
    """Every value is the same, seed by seed (a deterministic rerun): reported as such, not tested."""


def difference_over_seeds(first: Floats, second: Floats, groups: Sequence[str], *, level: float = LEVEL) -> Seeded:
    """Compare two trained candidates on the same samples.

    Sign flips over samples ask whether two *fits* differ, and two seeds of one candidate nearly always do. Here the
    spread of seed means is added to the clustered error over samples (two crossed random effects), with
    Satterthwaite's degrees of freedom. What a seed does to single samples counts in both, so the test errs on the safe
    side. With few seeds it needs a larger difference: that is what few seeds mean.

    Args:
        first: One row a seed; NaN where undefined. [S1, n]
        second: [S2, n]
        groups: Cluster of each sample. [n]
        level: Of the interval.

    Raises:
        ValueError: if the shapes do not match, or a side has fewer than two seeds: compare single fits with
            ``paired_difference``, which then speaks of these fits only.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or first.shape[1] != len(groups):
        raise ValueError(
            f"values of shapes {first.shape} and {second.shape} for {len(groups)} samples: [seeds, samples]"
        )
    if min(len(first), len(second)) < 2:
        raise ValueError(f"{len(first)} and {len(second)} seeds: at least two a side, else nothing is known of seeds")
    there = np.asarray(~(np.isnan(first).any(axis=0) | np.isnan(second).any(axis=0)))
    ours, theirs = first[:, there], second[:, there]
    clusters = [group for group, kept in zip(groups, there.tolist(), strict=True) if kept]
    n, count = len(clusters), int(cluster_of(clusters).max(initial=-1)) + 1
    if count < 2:
        return Seeded(float("nan"), None, None, float("nan"), float("nan"), n, False)
    if ours.shape == theirs.shape and np.array_equal(ours, theirs):
        return Seeded(0.0, None, None, 0.0, 0.0, n, True)
    differences = ours.mean(axis=0) - theirs.mean(axis=0)
    sample_error = standard_error(differences, clusters)
    freedom = len(ours) + len(theirs) - 2
    spread = sum(np.square(side.mean(axis=1) - side.mean()).sum() for side in (ours, theirs)) / freedom
    seed_error = float(np.sqrt(spread * (1 / len(ours) + 1 / len(theirs))))
    difference, variance = float(differences.mean()), sample_error**2 + seed_error**2
    if not variance > 0:
        return Seeded(difference, None, None, sample_error, seed_error, n, False)
    degrees = variance**2 / (sample_error**4 / (count - 1) + seed_error**4 / freedom)
    error = float(np.sqrt(variance))
    half = float(stdtrit(degrees, (1 + level) / 2)) * error
    interval = Interval(difference - half, difference + half, f"seeds-samples-t-{100 * level:g}", n, count)
    p_value = float(2 * stdtr(degrees, -abs(difference) / error))
    return Seeded(difference, interval, p_value, sample_error, seed_error, n, False)
