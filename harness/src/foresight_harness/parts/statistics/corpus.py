"""Intervals of metrics of a whole corpus (average precision, pooled ratios), which have no value per sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from foresight_harness.parts.statistics.bootstrap import LEVEL, Estimate, Resamples
from foresight_harness.parts.statistics.interval import Floats, Interval, method_name, percentile_ends

BLOCK = 1024
"""Resamples handed to the statistic at a time, so that its memory stays bounded."""


def bootstrap_corpus(statistic: Callable[[Floats], Floats], drawn: Resamples, *, level: float = LEVEL) -> Estimate:
    """A corpus metric and its interval, by re-weighting pictures.

    A picture drawn twice counts twice: the statistic takes weights instead of pictures, so it can sort its detections
    once. For a difference of two candidates pass the difference of their statistics: both then see the same resamples.

    Args:
        statistic: Weights of the samples [r, n] to one value for each row [r]; NaN where it is undefined.
        drawn: Resamples of the n samples.
        level: Confidence.

    Returns:
        ``mean`` is the statistic with all weights 1; no interval with fewer than two clusters or an undefined value.

    Raises:
        ValueError: if the statistic does not give one value for each row of weights.
    """
    samples = len(drawn.cluster)
    value = float(_checked(statistic, np.ones((1, samples)))[0])
    interval = None
    if drawn.clusters > 1 and not np.isnan(value):
        ends = percentile_ends(_replicates(statistic, drawn), level)
        interval = Interval(*ends, method_name("corpus", level), samples, drawn.clusters)
    return Estimate(value, interval, samples, 0)


def hierarchical_corpus(
    statistics: Sequence[Callable[[Floats], Floats]], drawn: Resamples, *, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """A corpus metric averaged over training seeds, with an interval over seeds and samples together.

    Each resample draws seeds, and pictures, with replacement; the two are crossed, because every seed saw the same
    pictures. With one seed it is ``bootstrap_corpus``.

    Args:
        statistics: One a seed: weights of the samples [r, n] to one value for each row [r].
        drawn: Resamples of the n samples.
        level: Confidence.
        seed: Of drawing the seeds.

    Raises:
        ValueError: if there is no statistic, or one does not give one value for each row of weights.
    """
    if not statistics:
        raise ValueError("a corpus metric over no seed: pass one statistic a seed")
    single = [bootstrap_corpus(statistic, drawn, level=level) for statistic in statistics]
    if len(single) == 1:
        return single[0]
    value = float(np.mean([one.mean for one in single]))
    samples, seeds = len(drawn.cluster), len(single)
    if any(one.interval is None for one in single):
        return Estimate(value, None, samples, 0)
    chosen = np.random.default_rng([seed, 1]).multinomial(seeds, np.full(seeds, 1 / seeds), len(drawn.counts))
    by_seed = np.stack([_replicates(statistic, drawn) for statistic in statistics], axis=1)
    replicates = (chosen * by_seed).sum(axis=1) / seeds
    name = method_name("corpus-seeds-samples", level)
    return Estimate(value, Interval(*percentile_ends(replicates, level), name, samples, drawn.clusters), samples, 0)


def _replicates(statistic: Callable[[Floats], Floats], drawn: Resamples) -> Floats:
    """The statistic on every resample. [R]"""
    weights = (drawn.counts[start : start + BLOCK, drawn.cluster] for start in range(0, len(drawn.counts), BLOCK))
    return np.concatenate([_checked(statistic, block) for block in weights])


def _checked(statistic: Callable[[Floats], Floats], weights: Floats) -> Floats:
    values = np.asarray(statistic(weights), dtype=np.float64)
    if values.shape != (len(weights),):
        raise ValueError(
            f"a corpus statistic gave shape {values.shape} for {len(weights)} rows of weights: one value each"
        )
    return values
