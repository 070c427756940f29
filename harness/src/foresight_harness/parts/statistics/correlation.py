"""Rank correlation of two measures over candidates, with an interval."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from foresight_harness.parts.statistics.bootstrap import LEVEL, RESAMPLES
from foresight_harness.parts.statistics.interval import Floats, Interval, method_name, percentile_ends


class Correlation(NamedTuple):
    """A rank correlation with its interval."""

    value: float
    """Spearman's coefficient; NaN where one side is constant."""
    interval: Interval | None
    """None where the coefficient is undefined, or there are fewer than three points."""


def spearman(first: Floats, second: Floats) -> Floats:
    """Spearman's coefficient of each row, ties sharing their mean rank; NaN where a side is constant.

    Args:
        first: One row a sample of points. [R, n]
        second: The other measure of the same points. [R, n]

    Returns:
        [R]
    """
    ranks = [rankdata(np.atleast_2d(side), axis=1) for side in (first, second)]
    centred = [rank - rank.mean(1, keepdims=True) for rank in ranks]
    lengths = np.sqrt(np.square(centred[0]).sum(1) * np.square(centred[1]).sum(1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((centred[0] * centred[1]).sum(1) / lengths, dtype=np.float64)


def rank_correlation(
    first: Floats, second: Floats, *, level: float = LEVEL, count: int = RESAMPLES, seed: int = 0
) -> Correlation:
    """Spearman's coefficient over points, with a percentile interval from resampled points.

    Args:
        first: One measure of each point. [n]
        second: The other. [n]
        level: Confidence.
        count: Resamples.
        seed: Of the resampling.

    Raises:
        ValueError: if the two differ in length or hold a value that is not finite.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"{first.shape} and {second.shape}: pass two measures of the same points, [n] each")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("a measure is not finite: leave such points out, and say so")
    n = len(first)
    value = float(spearman(first[None], second[None])[0]) if n > 1 else float("nan")
    if n < 3 or np.isnan(value):
        return Correlation(value, None)
    drawn = np.random.default_rng(seed).integers(0, n, (count, n))
    replicates = spearman(first[drawn], second[drawn])
    low, high = percentile_ends(replicates, level)
    return Correlation(value, Interval(low, high, method_name("spearman", level), n, n))
