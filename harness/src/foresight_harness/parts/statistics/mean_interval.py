"""The interval of one mean, by a rule that depends on what the values are: proportions, bounded ones, others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from foresight_harness.parts.statistics.bootstrap import cluster_of, cluster_sums
from foresight_harness.parts.statistics.bounded import Moments, beta_bounds
from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.parts.statistics.skewed import reach

Bounds = tuple[float | None, float | None]
"""Least and greatest possible value; None where there is none."""
TAILS = (0.025, 0.025)


class MeanInterval(NamedTuple):
    """A mean, and what can be said about the true one."""

    value: float
    """NaN where no sample has a value."""
    low: float | None
    """None where nothing can be said: fewer than two clusters, or equal values of a quantity without end."""
    high: float | None
    n: int
    """Samples with a value."""
    clusters: int
    method: str
    """Such as ``clopper-pearson-95``, ``gaffke-beta-95``, ``skewed-t-95``; ``none`` without ends."""


class SeedVariance(NamedTuple):
    """Spread of a candidate over training seeds, where more is known of it than its own few seeds say."""

    variance: float
    """Of one seed's mean."""
    freedom: float
    """Degrees of freedom of that variance."""


class Summary(NamedTuple):
    """Values as means of clusters."""

    mean: float
    deviations: Floats
    """Of the present clusters from the mean, each weighted by its size. [G]"""
    n: int
    seed_variance: float
    """Of the mean; 0 with one seed."""
    seed_freedom: float

    @property
    def clusters(self) -> int:
        """Clusters with a value."""
        return len(self.deviations)

    @property
    def spread(self) -> float:
        """Mean square of the deviations."""
        return float(np.square(self.deviations).mean())

    @property
    def bend(self) -> float:
        """Skewness of the deviations over the root of their number."""
        spread = self.spread
        if not spread > 0:
            return 0.0
        return float((self.deviations**3).mean() / spread**1.5 / np.sqrt(self.clusters))


def mean_interval(
    values: Floats | Sequence[float],
    groups: Sequence[str],
    bounds: Bounds = (None, None),
    *,
    tails: tuple[float, float] = TAILS,
    seeds: SeedVariance | None = None,
) -> MeanInterval:
    """Mean over seeds and samples, with an interval that keeps its word for few samples, many zeros, and at the ends.

    The rule, by the values and their range:

    - all 0 or 1, one seed: Clopper and Pearson, with the samples that clusters leave (``clopper-pearson``);
    - a range with both ends: Gaffke's bound by a matched beta (``gaffke-beta``);
    - else: the wider of Student's t and Hall's skewness-corrected t, cut at a known end (``skewed-t``).

    Several seeds add their spread (``-seeds``). Nothing is drawn at random.

    Args:
        values: One row a seed; NaN where undefined. [S, n] or [n]
        groups: Cluster of each sample. [n]
        bounds: Of a value.
        tails: Chance of missing below and above; an interval of a chosen one has a smaller tail on one side.
        seeds: Spread over seeds, where it is known from more candidates than this one.

    Raises:
        ValueError: if shapes do not match, or a value lies outside its bounds or is infinite.
    """
    rows = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if rows.ndim != 2 or rows.shape[1] != len(groups) or not len(rows):
        raise ValueError(f"values of shape {rows.shape} for {len(groups)} samples: pass [seeds, samples]")
    _check_bounds(rows, bounds)
    found = summary(rows, groups, seeds)
    proportion = len(rows) == 1 and seeds is None and bool(np.isin(rows[~np.isnan(rows)], (0.0, 1.0)).all())
    return interval_of(found, bounds, tails, proportion=proportion, seeded=len(rows) > 1 or seeds is not None)


def summary(rows: Floats, groups: Sequence[str], seeds: SeedVariance | None = None) -> Summary:
    """Means of clusters, pooled over seeds, and the spread of seeds. [S, n]"""
    sums, valid = cluster_sums(rows.T, cluster_of(groups))
    total, many = sums.sum(axis=1), valid.sum(axis=1)
    present = many > 0
    total, many = total[present], many[present]
    n = int((~np.isnan(rows)).any(axis=0).sum())
    if not n:
        return Summary(float("nan"), np.empty(0), 0, 0.0, np.inf)
    mean = float(total.sum() / many.sum())
    deviations = (total - many * mean) / many.mean()
    variance, freedom = 0.0, float(np.inf)
    if seeds is not None:
        variance, freedom = seeds.variance / len(rows), seeds.freedom
    elif len(rows) > 1:
        with np.errstate(invalid="ignore"):
            by_seed = sums.sum(axis=0) / valid.sum(axis=0)
        by_seed = by_seed[~np.isnan(by_seed)]
        if len(by_seed) > 1:
            variance, freedom = float(by_seed.var(ddof=1)) / len(by_seed), len(by_seed) - 1.0
    return Summary(mean, deviations, n, variance, freedom)


def interval_of(
    found: Summary, bounds: Bounds, tails: tuple[float, float], *, proportion: bool = False, seeded: bool = False
) -> MeanInterval:
    """The interval of a summary.

    Args:
        found: Of the values.
        bounds: Of one value.
        tails: Chance of missing below and above.
        proportion: All values are 0 or 1, of one seed.
        seeded: The summary counts the spread of seeds.
    """
    none = MeanInterval(found.mean, None, None, found.n, found.clusters, "none")
    if found.clusters < 2:
        return none
    level = f"{100 * (1 - sum(tails)):.4g}"
    ending = "-seeds" if seeded else ""
    if bounds[0] is not None and bounds[1] is not None:
        ends = (float(bounds[0]), float(bounds[1]))
        proportion = proportion and ends == (0.0, 1.0)
        moments = Moments(found.mean, found.spread, found.clusters, found.seed_variance, found.seed_freedom)
        low, high = beta_bounds(moments, ends, tails, found.n if proportion else None)
        if proportion:
            name = "clopper-pearson" if found.clusters == found.n else "clopper-pearson-clustered"
        else:
            name = f"gaffke-beta{ending}"
        return MeanInterval(found.mean, float(low), float(high), found.n, found.clusters, f"{name}-{level}")
    sample = found.spread / (found.clusters - 1)
    variance = sample + found.seed_variance
    if not variance > 0:
        return none
    freedom = variance**2 / (sample**2 / (found.clusters - 1) + found.seed_variance**2 / found.seed_freedom)
    critical = (-float(stdtrit(freedom, tails[0])), -float(stdtrit(freedom, tails[1])))
    away = reach(critical, found.bend * (sample / variance) ** 1.5)
    error = float(np.sqrt(variance))
    low_end, high_end = found.mean - error * float(away.below), found.mean + error * float(away.above)
    low_end = low_end if bounds[0] is None else max(low_end, float(bounds[0]))
    high_end = high_end if bounds[1] is None else min(high_end, float(bounds[1]))
    return MeanInterval(found.mean, low_end, high_end, found.n, found.clusters, f"skewed-t{ending}-{level}")


def _check_bounds(rows: Floats, bounds: Bounds) -> None:
    there = rows[~np.isnan(rows)]
    if not len(there):
        return
    low, high = float(there.min()), float(there.max())
    # Rounding of float32 metrics is forgiven; anything more is a value of another quantity.
    below = bounds[0] is not None and low < bounds[0] - 1e-6
    above = bounds[1] is not None and high > bounds[1] + 1e-6
    if below or above:
        raise ValueError(f"values from {low:g} to {high:g} outside [{bounds[0]}, {bounds[1]}]: state the true range")
