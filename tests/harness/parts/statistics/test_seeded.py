"""Differences over samples and seeds together."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics import difference_over_seeds, paired_difference
from scipy.stats import t as student
from scipy.stats import ttest_rel


def names(count: int) -> list[str]:
    return [str(index) for index in range(count)]


def crossed(random: np.random.Generator, seeds: int, difficulty: np.ndarray, seed_sd: float, noise: float):
    """Scores of one candidate: pictures' difficulty, a shift a seed, noise. [S, n]"""
    shifts = random.normal(0, seed_sd, (seeds, 1))
    return difficulty + shifts + random.normal(0, noise, (seeds, len(difficulty)))


def test_without_spread_of_seeds_it_is_the_paired_t_test() -> None:
    random = np.random.default_rng(0)
    ours, theirs = random.normal(0.02, 1, 300), random.normal(0, 1, 300)
    found = difference_over_seeds(np.stack([ours, ours]), np.stack([theirs, theirs]), names(300))
    expected = ttest_rel(ours, theirs)
    assert found.seed_error == pytest.approx(0, abs=1e-12)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6)
    ends = expected.confidence_interval()
    assert (found.interval.low, found.interval.high) == pytest.approx((ends.low, ends.high), rel=1e-6)


def test_four_samples_and_two_seeds_by_hand() -> None:
    """First: seed means 2 and 4; second: 1 and 1. Differences of means 2; sample part from (1, 3, 1, 3)."""
    first = np.array([[1.0, 3.0, 1.0, 3.0], [3.0, 5.0, 3.0, 5.0]])
    second = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    found = difference_over_seeds(first, second, names(4))
    assert found.difference == 2
    assert found.sample_error**2 == pytest.approx(4 / 3 / 4)  # variance 4/3 over 4 samples
    assert found.seed_error**2 == pytest.approx(1.0)  # pooled (2 + 0) / 2, times (1/2 + 1/2)
    variance = 1 / 3 + 1
    degrees = variance**2 / ((1 / 3) ** 2 / 3 + 1 / 2)
    assert found.p_value == pytest.approx(2 * student.sf(2 / np.sqrt(variance), degrees))


def test_seeds_of_one_candidate_raise_alarms_only_where_seeds_are_ignored() -> None:
    random = np.random.default_rng(1)
    aware, blind = 0, 0
    for _ in range(200):
        difficulty = random.normal(0.5, 0.2, 300)
        base, head = (crossed(random, 3, difficulty, 0.01, 0.05) for _ in range(2))
        aware += difference_over_seeds(base, head, names(300)).p_value <= 0.05
        blind += paired_difference(base.mean(0), head.mean(0), names(300)).p_value <= 0.05
    assert aware <= 16  # 5 % of 200, and two standard deviations of that count
    assert blind >= 60


def test_true_difference_well_above_both_kinds_of_noise_is_found() -> None:
    random = np.random.default_rng(2)
    difficulty = random.normal(0.5, 0.2, 300)
    base = crossed(random, 3, difficulty, 0.005, 0.05)
    head = crossed(random, 3, difficulty - 0.05, 0.005, 0.05)
    found = difference_over_seeds(base, head, names(300))
    assert found.difference == pytest.approx(0.05, abs=0.01)
    assert found.p_value < 0.005


def test_rerun_without_a_difference_is_identical_and_not_tested() -> None:
    values = np.random.default_rng(3).random((2, 10))
    found = difference_over_seeds(values, values.copy(), names(10))
    assert found.identical
    assert found.p_value is None


def test_undefined_samples_are_left_out_on_both_sides() -> None:
    first, second = np.random.default_rng(4).random((2, 2, 6))
    first[0, 1] = np.nan
    found = difference_over_seeds(first, second, names(6))
    kept = [0, 2, 3, 4, 5]
    assert found == difference_over_seeds(first[:, kept], second[:, kept], names(5))


def test_clusters_count_as_one() -> None:
    random = np.random.default_rng(5)
    first = random.random((3, 20))
    second = first + random.normal(0.1, 0.05, (3, 20))
    doubled = [np.repeat(side, 2, axis=1) for side in (first, second)]
    groups = [name for name in names(20) for _ in range(2)]
    one, two = difference_over_seeds(first, second, names(20)), difference_over_seeds(*doubled, groups)
    assert two.p_value == pytest.approx(one.p_value)


def test_single_seeds_are_refused_because_they_say_nothing_of_seeds() -> None:
    with pytest.raises(ValueError, match="at least two a side"):
        difference_over_seeds(np.zeros((1, 4)), np.zeros((3, 4)), names(4))
    with pytest.raises(ValueError, match="seeds, samples"):
        difference_over_seeds(np.zeros((2, 4)), np.zeros((2, 3)), names(4))
