"""Clustered bootstrap of means: one set of resamples shared by every cell of a data set."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from foresight_harness.parts.statistics.interval import Floats, Interval, Ints, bca_ends, method_name, percentile_ends

Method = Literal["percentile", "bca"]

RESAMPLES = 2000
LEVEL = 0.95
REMEMBERED_BYTES = 64 * 2**20
"""Of resamples that are kept for the next metric of the same samples: 2,000 of 128 pictures take 2 MB."""


class Resamples(NamedTuple):
    """Which clusters each resample holds how often: the same for all cells, so that differences pair."""

    counts: Floats
    """Times each cluster was drawn. [R, G]"""
    cluster: Ints
    """Cluster of each sample. [n]"""

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return int(self.counts.shape[1])

    def weights(self) -> Floats:
        """Times each sample counts in each resample. [R, n]"""
        return self.counts[:, self.cluster]


class Estimate(NamedTuple):
    """A mean over samples with its interval."""

    mean: float
    """NaN where no sample has a value."""
    interval: Interval | None
    """None where there is one cluster or none: nothing can be resampled."""
    n: int
    """Samples with a value."""
    left_out: int
    """Samples whose value is NaN."""


def resamples(groups: Sequence[str], *, count: int = RESAMPLES, seed: int = 0) -> Resamples:
    """Draw whole groups with replacement, as many as there are.

    Args:
        groups: Cluster of each sample (its source picture or video), in sample order.
        count: Resamples.
        seed: The same seed and groups give the same resamples.

    Returns:
        Resamples whose arrays are not to be written to: the metrics of a cell share them.
    """
    key = (tuple(groups), count, seed)
    known = _drawn.pop(key, None)
    found = _draw(key[0], count, seed) if known is None else known
    _drawn[key] = found  # the one used last comes last
    while len(_drawn) > 1 and sum(one.counts.nbytes for one in _drawn.values()) > REMEMBERED_BYTES:
        _drawn.popitem(last=False)
    return found


_drawn: OrderedDict[tuple[tuple[str, ...], int, int], Resamples] = OrderedDict()


def _draw(groups: Sequence[str], count: int, seed: int) -> Resamples:
    cluster = cluster_of(groups)
    total = int(cluster.max(initial=-1)) + 1
    random = np.random.default_rng(seed)
    drawn = random.integers(0, max(total, 1), (count, total))
    flat = (drawn + np.arange(count)[:, None] * total).ravel()
    counts = np.bincount(flat, minlength=count * total).reshape(count, total).astype(np.float64)
    for array in (counts, cluster):
        array.setflags(write=False)
    return Resamples(counts, cluster)


def bootstrap_means(
    values: Floats, drawn: Resamples, *, method: Method = "percentile", level: float = LEVEL
) -> list[Estimate]:
    """Means over samples, with intervals, of many cells measured on the same samples.

    Groups are resampled, samples are averaged: a group of many samples weighs more. A NaN is left out of its cell only.

    Args:
        values: One column a cell. [n, m]
        drawn: Resamples of the same n samples.
        method: ``percentile``, or ``bca`` for skewed values and few clusters.
        level: Confidence.

    Raises:
        ValueError: if there is not one row for each sample, or a value is infinite.
    """
    sums, valid = cluster_sums(values, drawn.cluster)
    total, many = sums.sum(0), valid.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = total / many
        replicates = (drawn.counts @ sums) / (drawn.counts @ valid)
        left_out_one = (total - sums) / (many - valid)
    estimates = []
    for cell in range(values.shape[1]):
        present = valid[:, cell] > 0
        clusters, n = int(present.sum()), int(many[cell])
        interval = None
        if clusters > 1:
            if method == "bca":
                ends = bca_ends(replicates[:, cell], float(means[cell]), left_out_one[present, cell], level)
            else:
                ends = percentile_ends(replicates[:, cell], level)
            interval = Interval(*ends, method_name(method, level), n, clusters)
        estimates.append(Estimate(float(means[cell]), interval, n, len(values) - n))
    return estimates


def bootstrap_mean(
    values: Sequence[float] | Floats,
    groups: Sequence[str],
    *,
    method: Method = "percentile",
    level: float = LEVEL,
    count: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Mean over samples, with its interval, of one cell; see ``bootstrap_means``. [n]"""
    column = np.asarray(values, dtype=np.float64).reshape(-1, 1)
    return bootstrap_means(column, resamples(groups, count=count, seed=seed), method=method, level=level)[0]


def cluster_of(groups: Sequence[str]) -> Ints:
    """Index of each sample's group, in order of first appearance. [n]"""
    names: dict[str, int] = {}
    return np.array([names.setdefault(group, len(names)) for group in groups], dtype=np.int64)


def cluster_sums(values: Floats, cluster: Ints) -> tuple[Floats, Floats]:
    """Sum of the values that are there, and their number, for each cluster and cell. [n, m] -> [G, m], [G, m]"""
    if values.ndim != 2 or len(values) != len(cluster):
        raise ValueError(f"values of shape {values.shape} for {len(cluster)} grouped samples: pass [n, cells]")
    if np.isinf(values).any():
        raise ValueError(
            f"{np.isinf(values).sum()} of {values.size} values are infinite: a metric gives NaN or a bound"
        )
    there = ~np.isnan(values)
    sums = np.zeros((int(cluster.max(initial=-1)) + 1, values.shape[1]))
    valid = np.zeros_like(sums)
    np.add.at(sums, cluster, np.where(there, values, 0))
    np.add.at(valid, cluster, there)
    return sums, valid
