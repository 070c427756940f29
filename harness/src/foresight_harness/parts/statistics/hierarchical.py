"""Intervals over seeds and samples together, for everything that is trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foresight_harness.parts.statistics.bootstrap import LEVEL, RESAMPLES, Estimate, cluster_sums, resamples
from foresight_harness.parts.statistics.interval import Floats, Interval, percentile_ends


def hierarchical_mean(
    values: Floats,
    groups: Sequence[str],
    *,
    level: float = LEVEL,
    count: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Mean over seeds and samples, with an interval that knows of both.

    Each resample draws seeds, and groups of samples, with replacement; the two are crossed, because every seed saw the
    same samples. Differences of two candidates are compared by passing their differences.

    With one seed nothing is known about seeds: the interval is over samples, and its method says ``one-seed``. With few
    seeds the spread between them is underestimated, by a third of its variance at three.

    Args:
        values: One row a training seed, in one sample order; a sample counts while any seed has a value. [S, n]
        groups: Cluster of each sample. [n]
        level: Confidence.
        count: Resamples.
        seed: Of the resampling.

    Raises:
        ValueError: if ``values`` is not [S, n].
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or len(values) == 0 or values.shape[1] != len(groups):
        raise ValueError(f"values of shape {values.shape} for {len(groups)} samples: pass [seeds, samples]")
    drawn = resamples(groups, count=count, seed=seed)
    sums, valid = cluster_sums(values.T, drawn.cluster)
    seeds = len(values)
    chosen = np.random.default_rng([seed, 1]).multinomial(seeds, np.full(seeds, 1 / seeds), count).astype(np.float64)
    n, clusters = int((~np.isnan(values)).any(0).sum()), int((valid.sum(1) > 0).sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = float(sums.sum() / valid.sum())
        replicates = ((drawn.counts @ sums) * chosen).sum(1) / ((drawn.counts @ valid) * chosen).sum(1)
    interval = None
    if clusters > 1:
        layers = "seeds-samples" if seeds > 1 else "one-seed"
        interval = Interval(*percentile_ends(replicates, level), f"bootstrap-{layers}-{100 * level:g}", n, clusters)
    return Estimate(mean, interval, n, len(groups) - n)
