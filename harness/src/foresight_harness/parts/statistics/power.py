"""How much the samples can show, and how many would show more. Normal approximations, for planning."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np
from scipy.special import ndtri

from foresight_harness.parts.statistics.bootstrap import cluster_of, cluster_sums
from foresight_harness.parts.statistics.interval import Floats, Interval
from foresight_harness.parts.statistics.paired import ALPHA

POWER = 0.8


def standard_error(values: Sequence[float] | Floats, groups: Sequence[str]) -> float:
    """Standard error of the mean over samples when whole groups are drawn; NaN with fewer than two groups. [n]"""
    column = np.asarray(values, dtype=np.float64).reshape(-1, 1)
    sums, valid = cluster_sums(column, cluster_of(groups))
    present = valid[:, 0] > 0
    clusters = int(present.sum())
    if clusters < 2:
        return float("nan")
    sums, valid = sums[present, 0], valid[present, 0]
    residual = sums - valid * sums.sum() / valid.sum()
    return float(sqrt(clusters / (clusters - 1) * np.square(residual).sum()) / valid.sum())


def minimum_detectable_effect(
    differences: Sequence[float] | Floats,
    groups: Sequence[str],
    *,
    tests: int = 1,
    alpha: float = ALPHA,
    power: float = POWER,
) -> float:
    """The true difference that a paired two-sided test on so many samples would find with that power.

    Args:
        differences: Paired differences of two candidates (their spread is what counts, not their mean). [n]
        groups: Cluster of each sample. [n]
        tests: Size of the family; the strictest step of Holm is assumed.
        alpha: Level of the family.
        power: Chance of finding it.

    Returns:
        NaN with fewer than two groups.
    """
    return float((-ndtri(alpha / tests / 2) + ndtri(power)) * standard_error(differences, groups))


def detectable_beyond(interval: Interval, tolerance: float = 0.0, *, tests: int = 1, power: float = POWER) -> float:
    """The true difference that a comparison finds with that power: significant after Holm, and beyond a tolerance.

    Args:
        interval: Of the paired difference, at 95 %; its half width is read as 1.96 standard errors.
        tolerance: Differences up to this are noise however significant.
        tests: Size of the family; the strictest step of Holm is assumed.
        power: Chance of finding it.
    """
    error = interval.half_width / float(-ndtri(ALPHA / 2))
    return max(float(-ndtri(ALPHA / tests / 2)) * error, tolerance) + float(ndtri(power)) * error


def samples_to_detect(
    interval: Interval, difference: float, tolerance: float = 0.0, *, tests: int = 1, power: float = POWER
) -> int | None:
    """Samples of the same kind with which ``detectable_beyond`` falls to a difference; None where none are enough.

    Errors shrink with the root of the number of samples; the tolerance does not shrink.
    """
    if difference <= tolerance:
        return None
    error = interval.half_width / float(-ndtri(ALPHA / 2))
    find, beyond = float(-ndtri(ALPHA / tests / 2)), float(ndtri(power))
    wanted = min(difference / (find + beyond), (difference - tolerance) / beyond)
    return ceil(interval.n * (error / wanted) ** 2)


def samples_needed(interval: Interval, distance: float) -> int:
    """Samples of the same kind with which the interval's half width falls below ``distance``.

    Half widths shrink with the root of the number of samples. For a gate, ``distance`` is from the mean to the bound.

    Raises:
        ValueError: if ``distance`` is not above 0: no number of samples gets there.
    """
    if not distance > 0:
        raise ValueError(f"samples until a half width falls below {distance:g}: a distance lies above 0")
    return max(ceil(interval.n * (interval.half_width / distance) ** 2), 1)
