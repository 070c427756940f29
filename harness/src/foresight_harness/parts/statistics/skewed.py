"""Student's t, and the same corrected for skewness: for means of values whose range has no end."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from foresight_harness.parts.statistics.interval import Floats

STRAIGHT = 1e-8
"""Skewness below which the correction is none."""


class Tails(NamedTuple):
    """Studentised ends: how many standard errors an interval reaches below and above the estimate."""

    below: Floats
    above: Floats


def corrected(statistic: ArrayLike, skewness: ArrayLike) -> Floats:
    """A studentised mean freed of its skewness, by a cubic that rises everywhere.

    Args:
        statistic: Estimate over standard error.
        skewness: Of the values, over the root of their number.

    Source: Hall 1992, "On the Removal of Skewness by Transformation".
    """
    value, bent = np.asarray(statistic, dtype=np.float64), np.asarray(skewness, dtype=np.float64)
    return np.asarray(value + bent * value**2 / 3 + bent**2 * value**3 / 27 + bent / 6, dtype=np.float64)


def uncorrected(value: ArrayLike, skewness: ArrayLike) -> Floats:
    """Inverse of ``corrected``."""
    target, bent = np.asarray(value, dtype=np.float64), np.asarray(skewness, dtype=np.float64)
    safe = np.where(np.abs(bent) < STRAIGHT, 1.0, bent)
    bend = 3 / safe * (np.cbrt(1 + safe * (target - safe / 6)) - 1)
    return np.asarray(np.where(np.abs(bent) < STRAIGHT, target, bend), dtype=np.float64)


def reach(critical: tuple[ArrayLike, ArrayLike], skewness: ArrayLike) -> Tails:
    """The wider, end by end, of Student's interval and the corrected one.

    Args:
        critical: Quantiles of Student's t that the lower and the upper end may be away, both positive.
        skewness: Of the values, over the root of their number.
    """
    low, high = (np.asarray(end, dtype=np.float64) for end in critical)
    return Tails(np.maximum(low, uncorrected(low, skewness)), np.maximum(high, -uncorrected(-high, skewness)))


def weaker(statistic: ArrayLike, skewness: ArrayLike) -> Floats:
    """The smaller, in size, of a studentised mean and the corrected one; 0 where they differ in sign."""
    value = np.asarray(statistic, dtype=np.float64)
    other = corrected(value, skewness) * np.sign(value)
    return np.asarray(np.maximum(np.minimum(np.abs(value), other), 0), dtype=np.float64)
