"""Bounds of means of values with a range."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics.bounded import Moments, beta_bounds, tail_at
from scipy.stats import beta

TAILS = (0.025, 0.025)


def moments(values: np.ndarray) -> Moments:
    return Moments(values.mean(), values.var(), len(values))


@pytest.mark.parametrize(("hits", "count"), [(0, 8), (3, 8), (8, 8), (93, 96), (1, 500)])
def test_zeros_and_ones_get_the_bounds_of_clopper_and_pearson(hits: int, count: int) -> None:
    low, high = beta_bounds(moments(np.arange(count) < hits), (0.0, 1.0), TAILS)
    assert low == pytest.approx(beta.ppf(0.025, hits, count - hits + 1) if hits else 0.0)
    assert high == pytest.approx(beta.ppf(0.975, hits + 1, count - hits) if hits < count else 1.0)


def test_four_of_four_say_only_that_the_truth_is_above_0_398() -> None:
    low, high = beta_bounds(moments(np.ones(4)), (0.0, 1.0), TAILS)
    assert low == pytest.approx(0.3976, abs=1e-4)
    assert high == 1.0


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-1.0, 1.0), (2.0, 10.0)])
def test_bounds_move_with_the_range(ends: tuple[float, float]) -> None:
    values = np.random.default_rng(0).random(30)
    plain = beta_bounds(moments(values), (0.0, 1.0), TAILS)
    width = ends[1] - ends[0]
    moved = beta_bounds(moments(ends[0] + width * values), ends, TAILS)
    np.testing.assert_allclose(moved, [ends[0] + width * end for end in plain])


def test_they_follow_the_law_of_gaffke_where_values_are_not_zeros_and_ones() -> None:
    random = np.random.default_rng(1)
    values = random.beta(2, 3, 24)
    weights = random.dirichlet(np.ones(25), 40_000)
    low, high = beta_bounds(moments(values), (0.0, 1.0), TAILS)
    assert low == pytest.approx(np.quantile(weights[:, 1:] @ values, 0.025), abs=0.005)
    assert high == pytest.approx(np.quantile(weights[:, 0] + weights[:, 1:] @ values, 0.975), abs=0.005)


def test_the_tail_at_a_bound_is_the_tail_that_it_was_asked_for() -> None:
    found = moments(np.random.default_rng(2).random(40) - 0.2)
    low, high = beta_bounds(found, (-1.0, 1.0), (0.01, 0.03))
    assert tail_at(found, (-1.0, 1.0), float(low), above=True) == pytest.approx(0.01)
    assert tail_at(found, (-1.0, 1.0), float(high), above=False) == pytest.approx(0.03)


def test_spread_of_few_seeds_widens_more_than_the_same_spread_of_many() -> None:
    values = np.random.default_rng(3).random(200)
    base = moments(values)
    widths = []
    for seeds in (base, base._replace(seed_variance=1e-3), base._replace(seed_variance=1e-3, seed_freedom=2)):
        low, high = beta_bounds(seeds, (0.0, 1.0), TAILS)
        widths.append(float(high - low))
    assert widths[0] < widths[1] < widths[2]
