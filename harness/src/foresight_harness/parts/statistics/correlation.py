"""Rank correlation of two measures over candidates, with an interval."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

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
    ranks = [_ranks(np.atleast_2d(side)) for side in (first, second)]
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


def _ranks(rows: Floats) -> Floats:
    """Ranks from 1 within each row; equal values share their mean rank. [R, n]"""
    order = np.argsort(rows, axis=1, kind="stable")
    ordered = np.take_along_axis(rows, order, axis=1)
    new = np.ones(rows.shape, dtype=bool)  # whether another value than the one before begins here
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    places = np.arange(rows.shape[1])
    first = np.maximum.accumulate(np.where(new, places, 0), axis=1)
    ends = np.ones(rows.shape, dtype=bool)
    ends[:, :-1] = new[:, 1:]
    last = np.minimum.accumulate(np.where(ends, places, rows.shape[1])[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty(rows.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=1)
    return ranks
