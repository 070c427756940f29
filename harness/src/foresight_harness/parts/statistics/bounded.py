"""Bounds of the mean of values with a known range that hold for few samples, zeros and ones: exact for proportions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaincc, betaincinv, ndtri, stdtrit

from foresight_harness.parts.statistics.interval import Floats

LEAST_CONCENTRATION = 1e-3
"""Of the beta: an error as wide as the range leaves a bound at the range's end."""


class Moments(NamedTuple):
    """What a bound needs of the values. Every field is a number or an array of one shape."""

    mean: ArrayLike
    spread: ArrayLike
    """Mean square of the clusters' deviations from the mean, each weighted by its size (their variance, by G)."""
    clusters: int
    seed_variance: ArrayLike = 0.0
    """Of the mean, from what is trained anew."""
    seed_freedom: ArrayLike = np.inf


def beta_bounds(
    found: Moments, ends: tuple[float, float], tails: tuple[ArrayLike, ArrayLike], most: float | None = None
) -> tuple[Floats, Floats]:
    """Lower and upper bound of the mean.

    One more cluster is imagined at the range's own end, and clusters are weighted by a flat Dirichlet law: that is
    Gaffke's bound. Its law is matched by the beta of equal mean and variance, which for values 0 and 1 is the law
    itself: the bounds then are Clopper and Pearson's, with as many samples as there are clusters. Spread of seeds is
    added to the variance, widened as Student's t asks.

    Args:
        found: Of the values.
        ends: Least and greatest possible value.
        tails: Chance of missing below and above.
        most: Greatest effective number of samples; of proportions, the samples that there are.

    Source: Learned-Miller and Thomas 2019, "A New Confidence Interval for the Mean of a Bounded Random Variable"
        (Gaffke 2005); Clopper and Pearson 1934; Korn and Graubard 1998 for proportions with an effective size.
    """
    inner, (low, width) = _unit(found, ends), (ends[0], ends[1] - ends[0])
    below = _quantile(inner, 0.0, np.asarray(tails[0], dtype=np.float64), most)
    above = _quantile(inner, 1.0, 1 - np.asarray(tails[1], dtype=np.float64), most)
    return low + width * below, low + width * above


def tail_at(found: Moments, ends: tuple[float, float], value: float, above: ArrayLike) -> Floats:
    """The tail at which the bound reaches ``value``: of the lower bound where ``above`` is true, else of the upper.

    A small one says that the mean lies above (below) the value whatever the law of the values is.
    """
    inner, (low, width) = _unit(found, ends), (ends[0], ends[1] - ends[0])
    place = (value - low) / width
    tails = []
    for ghost in (0.0, 1.0):
        mean, variance = _matched(inner, ghost)
        first, second = _shapes(mean, variance, None)
        tails.append(betainc(first, second, place) if ghost == 0 else betaincc(first, second, place))
    return np.asarray(np.where(above, tails[0], tails[1]), dtype=np.float64)


def _unit(found: Moments, ends: tuple[float, float]) -> Moments:
    """The same in a range of [0, 1]."""
    width = ends[1] - ends[0]
    return found._replace(
        mean=np.clip((np.asarray(found.mean) - ends[0]) / width, 0, 1),
        spread=np.asarray(found.spread) / width**2,
        seed_variance=np.asarray(found.seed_variance) / width**2,
    )


def _matched(found: Moments, ghost: float) -> tuple[Floats, Floats]:
    """Mean and variance of the mean once a cluster at ``ghost`` has been added, in a range of [0, 1]."""
    clusters = found.clusters
    value = np.asarray(found.mean, dtype=np.float64)
    mean = (clusters * value + ghost) / (clusters + 1)
    squares = clusters * np.asarray(found.spread) + clusters * (value - mean) ** 2 + (ghost - mean) ** 2
    variance = squares / ((clusters + 1) * (clusters + 2)) + np.asarray(found.seed_variance)
    return mean, np.asarray(variance, dtype=np.float64)


def _quantile(found: Moments, ghost: float, level: Floats, most: float | None) -> Floats:
    mean, variance = _matched(found, ghost)
    seeds = np.asarray(found.seed_variance, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(seeds > 0, (variance / seeds) ** 2 * np.asarray(found.seed_freedom), np.inf)
        widening = np.where(np.isfinite(freedom), stdtrit(np.minimum(freedom, 1e9), level) / ndtri(level), 1.0)
    first, second = _shapes(mean, variance * widening**2, most)
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = (mean > 0) & (mean < 1)
        return np.asarray(np.where(inside, betaincinv(first, second, level), mean), dtype=np.float64)


def _shapes(mean: Floats, variance: Floats, most: float | None) -> tuple[Floats, Floats]:
    with np.errstate(divide="ignore", invalid="ignore"):
        concentration = np.maximum(mean * (1 - mean) / variance - 1, LEAST_CONCENTRATION)
    if most is not None:
        concentration = np.minimum(concentration, most + 1)
    return mean * concentration, (1 - mean) * concentration
