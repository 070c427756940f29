"""Value, interval and count of a record, from what is stored of its samples: the same code writes and verifies them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foresight_harness.parts.metrics.corpus_statistics import corpus_statistic
from foresight_harness.parts.statistics.bootstrap import Estimate, bootstrap_mean, resamples
from foresight_harness.parts.statistics.corpus import hierarchical_corpus
from foresight_harness.parts.statistics.hierarchical import hierarchical_mean
from foresight_harness.parts.statistics.interval import Floats

NOTHING = Estimate(float("nan"), None, 0, 0)


def summary_of_values(values: Floats, groups: Sequence[str], count: int) -> Estimate:
    """Mean over samples (and seeds), with a 95 % interval.

    Several seeds are resampled together with the samples; with one, samples alone.

    Args:
        values: NaN where undefined. [S, n]
        groups: Cluster of each sample. [n]
        count: Bootstrap resamples.
    """
    defined = np.asarray(~np.isnan(values).all(axis=0))
    if not defined.any():
        return NOTHING
    kept = values[:, defined]
    clusters = [group for group, there in zip(groups, defined.tolist(), strict=True) if there]
    if len(kept) > 1:
        return hierarchical_mean(kept, clusters, count=count)
    return bootstrap_mean(kept[0], clusters, count=count)


def summary_of_stats(stats: Sequence[Sequence[Mapping[str, Any]]], groups: Sequence[str], count: int) -> Estimate:
    """A corpus metric from sufficient statistics of its samples, which say of which metric they are.

    Args:
        stats: By seed and sample. S x n
        groups: Cluster of each sample. [n]
        count: Bootstrap resamples.

    Raises:
        DataError: where a statistic is damaged.
    """
    drawn = resamples(groups, count=count)
    return hierarchical_corpus([corpus_statistic(seed) for seed in stats], drawn)
