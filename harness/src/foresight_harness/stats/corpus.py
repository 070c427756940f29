"""Intervals of metrics of a whole corpus (average precision, pooled ratios), which have no value per sample."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from foresight_harness.stats.bootstrap import LEVEL, Estimate, Resamples
from foresight_harness.stats.interval import Floats, Interval, method_name, percentile_ends

BLOCK = 256
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
        weights = (drawn.counts[start : start + BLOCK, drawn.cluster] for start in range(0, len(drawn.counts), BLOCK))
        replicates = np.concatenate([_checked(statistic, block) for block in weights])
        ends = percentile_ends(replicates, level)
        interval = Interval(*ends, method_name("corpus", level), samples, drawn.clusters)
    return Estimate(value, interval, samples, 0)


def _checked(statistic: Callable[[Floats], Floats], weights: Floats) -> Floats:
    values = np.asarray(statistic(weights), dtype=np.float64)
    if values.shape != (len(weights),):
        raise ValueError(
            f"a corpus statistic gave shape {values.shape} for {len(weights)} rows of weights: one value each"
        )
    return values
