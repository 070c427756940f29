"""Intervals, and what they were made from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Interval(NamedTuple):
    """A confidence interval and its origin."""

    low: float
    high: float
    method: str
    """How it was made, e.g. ``bootstrap-percentile-95``."""
    n: int
    """Samples that had a value; NaN ones were left out."""
    clusters: int
    """Groups that were resampled."""

    @property
    def half_width(self) -> float:
        """Half the distance of the two ends."""
        return (self.high - self.low) / 2


def method_name(method: str, level: float) -> str:
    """``bootstrap-bca-95``: what stands in records."""
    return f"bootstrap-{method}-{100 * level:g}"


def percentile_ends(replicates: Floats, level: float) -> tuple[float, float]:
    """The central ``level`` of the replicates; NaN replicates are left out. [R]"""
    tail = (1 - level) / 2
    # Asking first is quicker: numpy's way around NaN costs twice the quantile.
    quantile = np.quantile if len(replicates) and not np.isnan(replicates).any() else np.nanquantile
    low, high = quantile(replicates, [tail, 1 - tail])
    return float(low), float(high)


def bca_ends(replicates: Floats, estimate: float, jackknife: Floats, level: float) -> tuple[float, float]:
    """Ends corrected for bias and for skewness (bias-corrected and accelerated).

    Args:
        replicates: The statistic on each resample; NaN ones are left out. [R]
        estimate: The statistic on the sample.
        jackknife: The statistic with one cluster left out at a time. [clusters]
        level: Confidence.

    Source: Efron 1987, "Better Bootstrap Confidence Intervals". Replicates equal to the estimate count half.
    """
    values = replicates[~np.isnan(replicates)]
    below = (np.count_nonzero(values < estimate) + 0.5 * np.count_nonzero(values == estimate)) / len(values)
    # All replicates on one side of the estimate would put the bias at infinity: the next possible share stands in.
    bias = ndtri(np.clip(below, 0.5 / len(values), 1 - 0.5 / len(values)))
    jackknife = jackknife[~np.isnan(jackknife)]
    away = jackknife.mean() - jackknife
    spread = np.square(away).sum()
    acceleration = np.power(away, 3).sum() / (6 * spread**1.5) if spread > 0 else 0.0
    tail = ndtri([(1 - level) / 2, (1 + level) / 2])
    shifted = ndtr(bias + (bias + tail) / (1 - acceleration * (bias + tail)))
    low, high = np.quantile(values, shifted)
    return float(low), float(high)
