"""The median, with an interval that asks nothing of the distribution."""

from __future__ import annotations

import numpy as np

from foresight_harness.parts.statistics.interval import Floats


def median_interval(values: Floats, level: float = 0.95) -> tuple[float, float]:
    """Distribution-free interval of the median, from order statistics (binomial). Few values give all of them. [n]"""
    from scipy.stats import binom  # takes a second

    ordered = np.sort(np.asarray(values, dtype=np.float64))
    count = len(ordered)
    rank = int(binom.ppf((1 - level) / 2, count, 0.5))
    return float(ordered[max(0, rank - 1)]), float(ordered[min(count - 1, count - rank)])
