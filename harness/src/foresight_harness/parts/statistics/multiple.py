"""Many tests at once: p values adjusted so that they can be held against alpha one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foresight_harness.parts.statistics.interval import Floats, Ints


def holm(p_values: Sequence[float | None] | Floats) -> Floats:
    """Adjusted p values that bound the chance of any false alarm in the family, whatever the tests' dependence.

    Args:
        p_values: None and NaN are no tests: they stay NaN and do not count. [m]

    Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure".
    """
    values, order = _sorted(p_values)
    steps = np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1))
    return _placed(len(values), order, steps)


def benjamini_hochberg(p_values: Sequence[float | None] | Floats) -> Floats:
    """Adjusted p values that bound the expected share of false alarms among the alarms.

    Args:
        p_values: None and NaN are no tests: they stay NaN and do not count. [m]

    Source: Benjamini and Hochberg 1995, "Controlling the False Discovery Rate".
    """
    values, order = _sorted(p_values)
    ranked = values[order] * len(order) / np.arange(1, len(order) + 1)
    steps = np.minimum.accumulate(ranked[::-1])[::-1]
    return _placed(len(values), order, steps)


def _sorted(p_values: Sequence[float | None] | Floats) -> tuple[Floats, Ints]:
    """P values, and the indices of those that are tests, smallest first."""
    values = np.array([np.nan if value is None else value for value in p_values], dtype=np.float64)
    if np.any((values < 0) | (values > 1)):
        raise ValueError(f"p values lie in [0, 1], got {np.nanmin(values):g} to {np.nanmax(values):g}")
    return values, np.argsort(values, kind="stable")[: np.count_nonzero(~np.isnan(values))]


def _placed(count: int, order: Ints, steps: Floats) -> Floats:
    adjusted = np.full(count, np.nan)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted
