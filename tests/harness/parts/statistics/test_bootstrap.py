"""The clustered bootstrap against scipy, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics import bootstrap, bootstrap_mean, bootstrap_means, resamples
from scipy import stats


def names(count: int, size: int = 1) -> list[str]:
    return [str(index // size) for index in range(count)]


@pytest.mark.parametrize(("method", "reference"), [("percentile", "percentile"), ("bca", "BCa")])
@pytest.mark.parametrize("skewed", [False, True])
def test_unclustered_intervals_are_scipys(method: str, reference: str, skewed: bool) -> None:
    random = np.random.default_rng(0)
    values = random.exponential(size=40) if skewed else random.normal(size=40)
    expected = stats.bootstrap((values,), np.mean, n_resamples=20000, method=reference, rng=1).confidence_interval
    found = bootstrap_mean(values, names(40), method=method, count=20000).interval  # type: ignore[arg-type]
    assert found is not None
    assert found.low == pytest.approx(expected.low, abs=0.012)
    assert found.high == pytest.approx(expected.high, abs=0.012)
    assert found.method == f"bootstrap-{method}-95"


def test_bca_follows_the_skew_that_the_percentile_interval_ignores() -> None:
    values = np.random.default_rng(3).exponential(size=25)
    plain = bootstrap_mean(values, names(25), count=20000).interval
    corrected = bootstrap_mean(values, names(25), count=20000, method="bca").interval
    assert plain is not None
    assert corrected is not None
    assert corrected.low > plain.low + 0.01
    assert corrected.high > plain.high + 0.01


def test_groups_are_drawn_whole() -> None:
    values = np.repeat([0.0, 1.0], 50)
    together = bootstrap_mean(values, ["a"] * 50 + ["b"] * 50).interval
    alone = bootstrap_mean(values, names(100)).interval
    assert together is not None
    assert alone is not None
    assert (together.low, together.high) == (0.0, 1.0)
    assert together.clusters == 2
    assert alone.half_width < 0.12


def test_every_resample_draws_as_many_groups_as_there_are_and_counts_their_samples_alike() -> None:
    drawn = resamples(["a", "b", "a", "c"], count=50)
    assert (drawn.counts.sum(1) == 3).all()
    weights = drawn.weights()
    assert weights.shape == (50, 4)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])


def test_each_group_is_drawn_as_often_as_any_other() -> None:
    drawn = resamples(names(10), count=4000)
    np.testing.assert_allclose(drawn.counts.mean(0), 1.0, atol=0.06)
    np.testing.assert_allclose(drawn.counts.var(0), 0.9, atol=0.1)


def test_nan_is_left_out_of_its_cell_only_and_counted() -> None:
    values = np.array([[1.0, 1.0], [np.nan, 2.0], [3.0, 3.0], [5.0, 6.0]])
    first, second = bootstrap_means(values, resamples(names(4)))
    assert (first.mean, first.n, first.left_out) == (3.0, 3, 1)
    assert (second.mean, second.n, second.left_out) == (3.0, 4, 0)
    assert first.interval is not None
    assert (first.interval.n, first.interval.clusters) == (3, 3)


def test_nan_changes_nothing_but_its_absence() -> None:
    values = np.random.default_rng(0).normal(size=30)
    with_nan = bootstrap_mean(np.append(values, np.nan), names(31), count=20000).interval
    without = bootstrap_mean(values, names(30), count=20000).interval
    assert with_nan is not None
    assert without is not None
    assert with_nan.low == pytest.approx(without.low, abs=0.02)
    assert with_nan.high == pytest.approx(without.high, abs=0.02)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_one_sample_or_one_group_has_a_mean_and_no_interval(method: str) -> None:
    one = bootstrap_mean([0.5], ["a"], method=method)  # type: ignore[arg-type]
    group = bootstrap_mean([0.5, 0.7], ["a", "a"], method=method)  # type: ignore[arg-type]
    assert (one.mean, one.interval) == (0.5, None)
    assert group.mean == pytest.approx(0.6)
    assert group.interval is None


def test_no_value_at_all_is_nan_and_not_zero() -> None:
    for estimate in (bootstrap_mean([np.nan, np.nan], ["a", "b"]), bootstrap_mean([], [])):
        assert np.isnan(estimate.mean)
        assert estimate.interval is None
        assert estimate.n == 0


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_equal_values_have_an_interval_without_width(method: str) -> None:
    found = bootstrap_mean([0.25] * 8, names(8), method=method).interval  # type: ignore[arg-type]
    assert found is not None
    assert found.low == found.high == 0.25


def test_the_seed_decides_the_interval() -> None:
    values = np.random.default_rng(0).normal(size=30)
    assert bootstrap_mean(values, names(30), seed=4) == bootstrap_mean(values, names(30), seed=4)
    assert bootstrap_mean(values, names(30), seed=4) != bootstrap_mean(values, names(30), seed=5)


def test_level_widens_the_interval() -> None:
    values = np.random.default_rng(0).normal(size=30)
    wide, narrow = (bootstrap_mean(values, names(30), level=level).interval for level in (0.99, 0.8))
    assert wide is not None
    assert narrow is not None
    assert wide.half_width > 1.5 * narrow.half_width
    assert wide.method.endswith("-99")


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_the_true_mean_lies_in_nineteen_of_twenty_intervals(method: str) -> None:
    random = np.random.default_rng(5)
    groups = names(80, size=2)
    shared = np.repeat(random.normal(size=(40, 400)), 2, axis=0)
    values = shared + 0.3 * random.normal(size=(80, 400))
    found = bootstrap_means(values, resamples(groups, count=1000), method=method)  # type: ignore[arg-type]
    covered = [one.interval is not None and one.interval.low <= 0 <= one.interval.high for one in found]
    assert 0.91 < np.mean(covered) < 0.98


def test_values_without_a_row_for_each_sample_are_refused() -> None:
    with pytest.raises(ValueError, match="3 grouped samples"):
        bootstrap_means(np.zeros((4, 1)), resamples(names(3)))


def test_infinite_values_are_refused() -> None:
    with pytest.raises(ValueError, match="1 of 3 values are infinite"):
        bootstrap_mean([1.0, np.inf, 2.0], names(3))


def test_metrics_of_the_same_samples_share_their_resamples_and_nobody_can_write_to_them() -> None:
    drawn = resamples(names(12), count=50)
    assert resamples(tuple(names(12)), count=50) is drawn
    assert resamples(names(12), count=50, seed=1) is not drawn
    assert resamples(names(12, 2), count=50) is not drawn
    with pytest.raises(ValueError, match="read-only"):
        drawn.counts[0, 0] = 3.0


def test_resamples_are_forgotten_beyond_the_budget_but_for_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [resamples(names(20), count=count) for count in (40, 41)]
    monkeypatch.setattr(bootstrap, "REMEMBERED_BYTES", 1)
    last = resamples(names(20), count=42)
    assert resamples(names(20), count=42) is last
    again = resamples(names(20), count=40)
    assert again is not drawn[0]
    np.testing.assert_array_equal(again.counts, drawn[0].counts)
