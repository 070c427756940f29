from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics.correlation import rank_correlation, spearman
from scipy.stats import spearmanr


def test_spearman_by_hand() -> None:
    # Ranks 1 2 3 4 and 2 1 4 3: d^2 sum to 4, so 1 - 6 * 4 / (4 * 15) = 0.6.
    assert spearman(np.array([[1.0, 2, 3, 4]]), np.array([[20.0, 10, 40, 30]]))[0] == pytest.approx(0.6)


@pytest.mark.parametrize("seed", range(5))
def test_spearman_equals_scipy_row_by_row_with_ties(seed: int) -> None:
    random = np.random.default_rng(seed)
    first, second = random.integers(0, 5, (2, 7, 12)).astype(float)
    expected = [spearmanr(one, other).statistic for one, other in zip(first, second, strict=True)]
    assert np.allclose(spearman(first, second), expected, atol=1e-12)


def test_a_constant_side_has_no_correlation() -> None:
    found = rank_correlation(np.ones(6), np.arange(6.0))
    assert np.isnan(found.value)
    assert found.interval is None


def test_equal_orders_are_certain_and_unrelated_ones_are_not() -> None:
    same = rank_correlation(np.arange(20.0), np.exp(np.arange(20.0)))
    assert (same.value, same.interval.low, same.interval.high) == (pytest.approx(1), pytest.approx(1), pytest.approx(1))
    random = np.random.default_rng(0)
    free = rank_correlation(random.normal(size=20), random.normal(size=20))
    assert free.interval.low < 0 < free.interval.high
    assert (free.interval.n, free.interval.method) == (20, "bootstrap-spearman-95")


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    truth = 6 / np.pi * np.arcsin(0.7 / 2)  # Spearman's coefficient of a normal pair of correlation 0.7
    hits = 0
    for seed in range(100):
        pair = random.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], 40).T
        interval = rank_correlation(pair[0], pair[1], count=400, seed=seed).interval
        hits += interval.low <= truth <= interval.high
    assert hits >= 88


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        rank_correlation(np.array([1.0, np.nan, 2]), np.arange(3.0))
    with pytest.raises(ValueError, match="same points"):
        rank_correlation(np.arange(4.0), np.arange(3.0))
