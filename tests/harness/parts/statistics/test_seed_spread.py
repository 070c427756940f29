"""Variances over seeds, moderated over a board."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics.seed_spread import seed_spread


def test_where_seeds_spread_alike_each_variance_is_nearly_the_pooled_one() -> None:
    random = np.random.default_rng(0)
    variances = 0.0004 * random.chisquare(2, 30) / 2
    found = seed_spread(variances, np.full(30, 3.0))
    pooled = variances.mean() / 3
    assert found.variances == pytest.approx(np.full(30, pooled), rel=0.5)
    assert found.freedom.min() > 8


def test_a_wild_candidate_keeps_most_of_its_own_variance() -> None:
    variances = np.array([1.0, 1.1, 0.9, 1.2, 0.8, 900.0]) * 1e-4
    found = seed_spread(variances, np.full(6, 3.0))
    assert found.variances[5] * 3 > 20 * found.variances[0] * 3
    assert found.freedom.max() < 12


def test_drawn_errors_have_longer_tails_than_normal_ones_where_seeds_are_few() -> None:
    found = seed_spread(np.array([1.0, 1.0]), np.array([3.0, 3.0]))
    drawn = found.draw(20_000, np.random.default_rng(1))
    assert np.quantile(np.abs(drawn[:, 0]), 0.95) > 2.2 * np.sqrt(1 / 3)


def test_seeds_that_agree_to_the_digit_are_not_without_spread() -> None:
    found = seed_spread(np.array([0.0, 1e-4, 2e-4]), np.full(3, 3.0))
    assert found.variances[0] > 0
    assert np.isfinite(found.draw(100, np.random.default_rng(2))).all()


def test_single_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="at least two seeds"):
        seed_spread(np.array([0.1]), np.array([1.0]))
