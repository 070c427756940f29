"""The interval of one mean."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics import bootstrap_mean
from foresight_harness.parts.statistics.mean_interval import SeedVariance, mean_interval
from scipy.stats import beta, ttest_1samp


def names(count: int, each: int = 1) -> list[str]:
    return [str(index // each) for index in range(count * each)]


@pytest.mark.parametrize(
    ("values", "bounds", "method"),
    [
        (np.arange(40) % 4 > 0, (0.0, 1.0), "clopper-pearson-95"),
        (np.linspace(0, 1, 40), (0.0, 1.0), "gaffke-beta-95"),
        (np.stack([np.linspace(0, 1, 40), np.linspace(0.1, 1, 40)]), (0.0, 1.0), "gaffke-beta-seeds-95"),
        (np.linspace(0, 1, 40), (0.0, None), "skewed-t-95"),
        (np.linspace(20, 30, 40), (None, None), "skewed-t-95"),
    ],
)
def test_the_values_and_their_range_name_the_method(values: np.ndarray, bounds: tuple, method: str) -> None:
    found = mean_interval(values, names(40), bounds)
    assert found.method == method
    assert found.low < found.value < found.high
    assert (found.n, found.clusters) == (40, 40)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.3])
def test_equal_values_of_a_range_have_an_interval_with_a_width(value: float) -> None:
    found = mean_interval(np.full(8, value), names(8), (0.0, 1.0))
    assert found.high - found.low > 0.3
    assert found.low <= value <= found.high


def test_equal_values_without_a_range_have_no_interval() -> None:
    found = mean_interval(np.full(8, 3.0), names(8), (0.0, None))
    assert (found.value, found.low, found.high, found.method) == (3.0, None, None, "none")


def test_symmetric_values_without_a_range_get_the_interval_of_student() -> None:
    half = np.random.default_rng(0).normal(size=20)
    values = np.concatenate([half, -half]) + 7
    expected = ttest_1samp(values, 7).confidence_interval()
    found = mean_interval(values, names(40))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_a_known_end_cuts_an_interval() -> None:
    values = np.array([0.0, 0.0, 0.0, 0.1, 2.0, 0.0])
    assert mean_interval(values, names(6)).low < 0
    assert mean_interval(values, names(6), (0.0, None)).low == 0


def test_clusters_of_equal_values_count_once() -> None:
    hits = np.arange(20) % 3 > 0
    once = mean_interval(hits, names(20), (0.0, 1.0))
    thrice = mean_interval(np.repeat(hits, 3), names(20, 3), (0.0, 1.0))
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))
    assert (thrice.n, thrice.clusters, thrice.method) == (60, 20, "clopper-pearson-clustered-95")


def test_clusters_that_cancel_never_stand_for_more_samples_than_there_are() -> None:
    """Every cluster holds one hit and one miss: between clusters there is no spread at all."""
    found = mean_interval(np.arange(40) % 2, names(20, 2), (0.0, 1.0))
    assert found.low >= beta.ppf(0.025, 20, 21) - 0.02
    assert found.high - found.low >= beta.ppf(0.975, 21, 20) - beta.ppf(0.025, 20, 21) - 0.02


def test_undefined_values_are_left_out_and_counted() -> None:
    values = np.random.default_rng(1).random(30)
    values[[3, 7]] = np.nan
    kept = values[~np.isnan(values)]
    found, expected = mean_interval(values, names(30), (0, 1)), mean_interval(kept, names(28), (0, 1))
    assert found == expected
    assert found.n == 28


def test_one_cluster_or_no_value_has_no_interval() -> None:
    assert mean_interval(np.ones(5), ["a"] * 5, (0.0, 1.0)).low is None
    empty = mean_interval(np.full(5, np.nan), names(5), (0.0, 1.0))
    assert np.isnan(empty.value)
    assert (empty.low, empty.n) == (None, 0)


def test_seeds_widen_an_interval_and_more_knowledge_of_them_narrows_it() -> None:
    random = np.random.default_rng(2)
    picture = random.random(300) * 0.5 + 0.25
    rows = picture + np.array([[-0.05], [0.0], [0.05]])
    alone = mean_interval(picture, names(300), (0.0, 1.0))
    few = mean_interval(rows, names(300), (0.0, 1.0))
    many = mean_interval(rows, names(300), (0.0, 1.0), seeds=SeedVariance(0.0025, 60))
    assert alone.high - alone.low < many.high - many.low < few.high - few.low


def test_a_smaller_tail_moves_its_own_end_only() -> None:
    values = np.random.default_rng(3).random(50)
    plain = mean_interval(values, names(50), (0.0, 1.0))
    strict = mean_interval(values, names(50), (0.0, 1.0), tails=(0.001, 0.025))
    assert strict.low < plain.low
    assert strict.high == plain.high


def test_values_outside_the_stated_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"outside \[0.0, 1.0\]: state the true range"):
        mean_interval(np.array([0.2, 1.2]), names(2), (0.0, 1.0))


def test_shapes_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="pass \\[seeds, samples\\]"):
        mean_interval(np.zeros(4), names(5), (0.0, 1.0))


def test_mostly_zeros_are_covered_where_the_percentile_bootstrap_is_not() -> None:
    random = np.random.default_rng(4)
    exact, percentile, tries = 0, 0, 200
    for _ in range(tries):
        values = np.where(random.random(8) < 0.9, 0.0, random.random(8))
        found = mean_interval(values, names(8), (0.0, 1.0))
        exact += found.low <= 0.05 <= found.high
        old = bootstrap_mean(values, names(8), count=300).interval
        percentile += old.low <= 0.05 <= old.high
    assert exact >= 0.93 * tries
    assert percentile <= 0.75 * tries
