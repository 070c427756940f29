"""Seeds and samples resampled together."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics import bootstrap_mean, hierarchical_mean


def names(count: int) -> list[str]:
    return [str(index) for index in range(count)]


def test_spread_between_seeds_widens_the_interval() -> None:
    samples = np.random.default_rng(0).normal(size=200)
    alike = hierarchical_mean(np.stack([samples] * 4), names(200)).interval
    apart = hierarchical_mean(np.stack([samples + shift for shift in (-0.6, -0.2, 0.2, 0.6)]), names(200)).interval
    assert alike is not None
    assert apart is not None
    assert apart.half_width > 1.8 * alike.half_width


def test_equal_seeds_give_the_interval_over_samples() -> None:
    samples = np.random.default_rng(0).normal(size=100)
    found = hierarchical_mean(np.stack([samples] * 3), names(100))
    expected = bootstrap_mean(samples, names(100))
    assert found.mean == pytest.approx(expected.mean)
    assert found.interval is not None
    assert expected.interval is not None
    assert found.interval.low == pytest.approx(expected.interval.low)
    assert found.interval.method == "bootstrap-seeds-samples-95"
    assert found.interval.n == 100


def test_one_seed_says_that_it_is_one() -> None:
    found = hierarchical_mean(np.random.default_rng(0).normal(size=(1, 50)), names(50)).interval
    assert found is not None
    assert found.method == "bootstrap-one-seed-95"


def test_intervals_cover_the_true_mean_over_seeds_and_samples() -> None:
    random = np.random.default_rng(1)
    covered = []
    for trial in range(200):
        values = random.normal(size=(1, 40)) + 0.1 * random.normal(size=(8, 1)) + 0.2 * random.normal(size=(8, 40))
        found = hierarchical_mean(values, names(40), count=400, seed=trial).interval
        covered.append(found is not None and found.low <= 0 <= found.high)
    assert 0.88 < np.mean(covered) < 0.99


def test_a_sample_counts_while_any_seed_has_it() -> None:
    values = np.array([[1.0, np.nan, np.nan], [3.0, 5.0, np.nan]])
    found = hierarchical_mean(values, names(3))
    assert found.mean == 3.0
    assert (found.n, found.left_out) == (2, 1)


def test_one_group_has_no_interval() -> None:
    assert hierarchical_mean(np.ones((3, 2)), ["a", "a"]).interval is None


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"pass \[seeds, samples\]"):
        hierarchical_mean(np.ones((2, 3)), names(2))
