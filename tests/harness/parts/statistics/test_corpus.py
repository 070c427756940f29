"""Corpus metrics by re-weighting pictures."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics import (
    bootstrap_corpus,
    bootstrap_mean,
    hierarchical_corpus,
    hierarchical_mean,
    resamples,
)


def names(count: int) -> list[str]:
    return [str(index) for index in range(count)]


def test_a_weighted_mean_gets_the_interval_of_the_mean() -> None:
    values = np.random.default_rng(0).normal(size=60)
    found = bootstrap_corpus(lambda weights: weights @ values / weights.sum(1), resamples(names(60)))
    expected = bootstrap_mean(values, names(60))
    assert found.mean == pytest.approx(expected.mean)
    assert found.interval is not None
    assert expected.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((expected.interval.low, expected.interval.high))
    assert found.interval.method == "bootstrap-corpus-95"


def test_pooled_ratios_match_drawing_the_pictures_one_by_one() -> None:
    random = np.random.default_rng(1)
    shared, union = random.random(40), 1 + random.random(40)
    drawn = resamples(names(40), count=300)
    found = bootstrap_corpus(lambda weights: weights @ shared / (weights @ union), drawn)
    by_hand = []
    for row in drawn.weights().astype(int):
        picked = np.repeat(np.arange(40), row)
        by_hand.append(shared[picked].sum() / union[picked].sum())
    assert found.interval is not None
    np.testing.assert_allclose([found.interval.low, found.interval.high], np.quantile(by_hand, [0.025, 0.975]))


def test_differences_see_the_same_resamples() -> None:
    random = np.random.default_rng(2)
    one = random.normal(size=80)
    other = one - 0.1
    drawn = resamples(names(80))
    found = bootstrap_corpus(lambda weights: weights @ one / 80 - weights @ other / 80, drawn)
    assert found.interval is not None
    assert found.interval.half_width < 1e-9


def test_undefined_or_single_cluster_values_have_no_interval() -> None:
    drawn = resamples(names(5))
    assert bootstrap_corpus(lambda weights: np.full(len(weights), np.nan), drawn).interval is None
    alone = bootstrap_corpus(lambda weights: weights.sum(1), resamples(["a", "a"]))
    assert alone.mean == 2.0
    assert alone.interval is None


def test_a_statistic_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="one value each"):
        bootstrap_corpus(lambda weights: weights, resamples(names(5)))


def test_seeds_and_samples_together_widen_the_interval_of_a_corpus_metric() -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=(3, 80)) + np.array([[-1.0], [0.0], [1.0]])
    drawn = resamples(names(80))

    def mean_of(row):
        return lambda weights: weights @ row / weights.sum(1)

    one = hierarchical_corpus([mean_of(values[1])], drawn)
    assert one == bootstrap_corpus(mean_of(values[1]), drawn)
    found = hierarchical_corpus([mean_of(row) for row in values], drawn)
    expected = hierarchical_mean(values, names(80))
    assert found.mean == pytest.approx(expected.mean)
    assert found.interval is not None
    assert expected.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((expected.interval.low, expected.interval.high))
    assert found.interval.half_width > 3 * one.interval.half_width
    assert found.interval.method == "bootstrap-corpus-seeds-samples-95"


def test_corpus_metric_over_no_seed_is_an_error() -> None:
    with pytest.raises(ValueError, match="no seed"):
        hierarchical_corpus([], resamples(names(3)))
