"""How many samples a decision takes: before anything was measured, and after."""

from __future__ import annotations

from math import ceil, log
from typing import Literal

import numpy as np
from scipy.special import chndtrix, ndtri

from foresight_harness.parts.statistics.paired import ALPHA
from foresight_harness.parts.statistics.power import POWER

LEAST_CLUSTERS = 24
"""Independent samples below which no decision is taken, whatever the values: spreads of fewer are not known."""
SURE = 0.9
"""How surely the true distance exceeds the one that is planned for."""
AT_LEAST = 0.9
"""Chance of settling the least distance that matters, where the plan goes that far."""


def needed_n(
    distance: float, half_width: float, n: int, *, least_distance: float | None = None, power: float = POWER
) -> int:
    """Samples of the same kind with which the 95 % interval leaves the bound out in ``power`` of repeats or more.

    The distance of a mean from a bound that is undecided is itself mostly noise, and the smaller the true one, the
    more it is overrated. So it is not taken at its word: planned for is the distance that the true one exceeds with
    90 % (a flat prior; the idea of assurance), at the usual power. That can be very many; where it is known which
    distance would matter at all, no more are asked for than settle that one in nine of ten repeats.

    Args:
        distance: Of the mean from the bound, either sign.
        half_width: Of the 95 % interval, on the side of the bound.
        n: Samples that both are from.
        least_distance: Least distance that matters, such as 0.02 of IoU.
        power: Chance of deciding.

    Raises:
        ValueError: if the interval has no width.

    Source: O'Hagan, Stevens and Campbell 2005, "Assurance in Clinical Trial Design".
    """
    if not half_width > 0 or n < 1:
        raise ValueError(f"half width {half_width:g} of {n} samples: planning starts from an interval with a width")
    outside = -float(ndtri(ALPHA / 2))
    error = half_width / outside
    planned = error * float(np.sqrt(chndtrix(1 - SURE, 1, (distance / error) ** 2)))
    needed = n * ((outside + float(ndtri(power))) * error / planned) ** 2
    if least_distance is not None:
        needed = min(needed, n * ((outside + float(ndtri(AT_LEAST))) * error / least_distance) ** 2)
    return ceil(needed)


def least_n(
    bound: float,
    ends: tuple[float | None, float | None],
    direction: Literal["higher", "lower"],
    *,
    alpha: float = ALPHA,
    least: int = LEAST_CLUSTERS,
) -> int | None:
    """Least number of independent samples with which a rule can be met at all.

    Where every sample scored the best possible value, the exact interval's end must still lie beyond the bound: 23 of
    23 for an accuracy of 0.85, 72 of 72 for 0.95. Never fewer than ``least``.

    Args:
        bound: Of the rule.
        ends: Least and greatest possible value; without both only ``least`` is known.
        direction: Which way is better.
        alpha: Level of the two-sided interval.
        least: Floor of the rule.

    Returns:
        None where no number of samples can meet the rule: its bound is the best possible value, or beyond.
    """
    if ends[0] is None or ends[1] is None:
        return least
    share = (bound - ends[0]) / (ends[1] - ends[0])
    share = share if direction == "higher" else 1 - share
    if share >= 1:
        return None
    if share <= 0:
        return least
    # Clopper and Pearson's bound of n out of n is (alpha / 2) ** (1 / n).
    return max(least, ceil(log(alpha / 2) / log(share) + 1e-9))
