"""Families of comparisons on one set of samples: which pairs are told apart, with at most 5 % chance of one mistake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from foresight_harness.parts.statistics.bounded import Moments, beta_bounds, tail_at
from foresight_harness.parts.statistics.evidence import DRAWS, PairErrors, SeedErrors
from foresight_harness.parts.statistics.interval import Floats, Ints
from foresight_harness.parts.statistics.mean_interval import Bounds
from foresight_harness.parts.statistics.paired import ALPHA
from foresight_harness.parts.statistics.skewed import reach, weaker

METHOD = "joint sign flips, step-down (Westfall and Young 1993), held against Gaffke's bound"
CORPUS_METHOD = "joint re-weighting of pictures, step-down (Westfall and Young 1993), held against Gaffke's bound"


ROUNDING = 1e-4
"""Of a drawn statistic, which is float32."""


class Evidence(Protocol):
    """What families need of a board: scores with a value a sample, or a metric of the whole corpus."""

    @property
    def n(self) -> int: ...
    @property
    def clusters(self) -> int: ...
    @property
    def means(self) -> Floats: ...
    @property
    def seeds(self) -> SeedErrors: ...
    def identical(self, first: int, second: int) -> bool: ...
    def pair_errors(self, first: Ints, second: Ints, draws: int, seed: int) -> PairErrors: ...
    def mean_errors(self, draws: int, seed: int) -> Floats: ...


class Comparison(NamedTuple):
    """Two candidates of a family."""

    first: int
    second: int
    difference: float
    """Mean of first minus second."""
    low: float | None
    """None where there is nothing to test, or nothing known of seeds."""
    high: float | None
    p_value: float | None
    """Adjusted for the family; at or below alpha exactly where the interval leaves 0 out."""
    separated: bool
    identical: bool
    seeds_unknown: bool
    """One of the two is trained and has one seed."""


def compare_family(
    evidence: Evidence,
    pairs: Sequence[tuple[int, int]],
    bounds: Bounds = (None, None),
    *,
    alpha: float = ALPHA,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Comparison]:
    """Compare pairs so that the chance of telling any equal pair apart is at most ``alpha``.

    A pair is told apart where all of these say so: its studentised difference, against the largest that chance gives
    over the pairs not yet told apart (step-down); the same corrected for skewness; and, where values have a range,
    the pair's own 95 % bound (5 % a side), which asks nothing of the law of the values. The last is what keeps few
    samples silent.

    Args:
        evidence: Of the candidates; ``mean_evidence`` or ``corpus_evidence``.
        pairs: Indices of candidates: all of a board, a candidate and its twin, candidates and their floor.
        bounds: Of one value.
        alpha: Level of the family.
        draws: Of the joint errors.
        seed: The same seed gives the same numbers.

    Source: Westfall and Young 1993, "Resampling-Based Multiple Testing", step-down by the maximum; Romano and Wolf
        2005; ``bounded`` and ``skewed`` name the rest.
    """
    unknown = evidence.seeds.unknown
    tested, found = [], {}
    for place, (first, second) in enumerate(pairs):
        identical = evidence.identical(first, second)
        without_seeds = first in unknown or second in unknown
        difference = float(evidence.means[first] - evidence.means[second])
        found[place] = Comparison(first, second, difference, None, None, None, False, identical, without_seeds)
        if not identical and not without_seeds and evidence.clusters > 1:
            tested.append(place)
    if tested:
        firsts = np.array([pairs[place][0] for place in tested])
        seconds = np.array([pairs[place][1] for place in tested])
        errors = evidence.pair_errors(firsts, seconds, draws, seed)
        lows, highs, p_values = _decide(errors, evidence.clusters, bounds, alpha)
        for place, low, high, p_value in zip(tested, lows, highs, p_values, strict=True):
            found[place] = found[place]._replace(
                low=float(low), high=float(high), p_value=float(p_value), separated=bool(p_value <= alpha)
            )
    return [found[place] for place in range(len(pairs))]


def _decide(errors: PairErrors, clusters: int, bounds: Bounds, alpha: float) -> tuple[Floats, Floats, Floats]:
    """Ends and adjusted p values that agree with each other. [p] each"""
    statistic = weaker(errors.statistic, errors.bend)
    order = np.argsort(-statistic, kind="stable")
    # The largest over a pair and all behind it: what chance gives once those before are told apart.
    largest = np.maximum.accumulate(errors.drawn[order[::-1]], axis=0)[::-1]
    draws = largest.shape[1]
    # Rounding must not turn the observed pattern's own mirror image into a smaller one.
    exceeded = (largest >= (statistic[order] * (1 - ROUNDING))[:, None]).sum(axis=1)
    p_sorted = np.maximum.accumulate((exceeded + 1) / (draws + 1))
    rank = min(int(np.ceil((1 - alpha) * (draws + 1))) - 1, draws - 1)
    critical = np.partition(largest, rank, axis=1)[:, rank].astype(np.float64)
    kept = np.flatnonzero(p_sorted > alpha)
    if len(kept):
        critical[kept[0] :] = critical[kept[0]]
    p_values, critical_of = np.empty(len(order)), np.empty(len(order))
    p_values[order], critical_of[order] = p_sorted, critical
    away = reach((critical_of, critical_of), errors.bend)
    low = errors.difference - errors.error * away.below
    high = errors.difference + errors.error * away.above
    if bounds[0] is None or bounds[1] is None:
        return low, high, p_values
    span = float(bounds[1]) - float(bounds[0])
    moments = Moments(errors.difference, errors.spread, clusters, errors.seed_variance)
    ends = beta_bounds(moments, (-span, span), (ALPHA, ALPHA))
    tails = tail_at(moments, (-span, span), 0.0, errors.difference > 0)
    # A p value that passed and was stopped by the bound must not look as if it had passed.
    stopped = np.maximum(np.maximum(p_values, tails), np.nextafter(alpha, 1))
    guarded = np.where((p_values <= alpha) & (tails > ALPHA), stopped, p_values)
    return np.minimum(low, ends[0]), np.maximum(high, ends[1]), guarded
