"""Paired comparisons against scipy's permutation test, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics import flips_needed, paired_difference, paired_differences
from foresight_harness.parts.statistics.paired import sign_flip_p_values
from scipy import stats


def names(count: int, size: int = 1) -> list[str]:
    return [str(index // size) for index in range(count)]


def test_exact_p_value_by_hand() -> None:
    found = paired_difference([3.0, 2.0, 1.0], [0.0, 0.0, 0.0], names(3))
    assert found.difference == 2.0
    assert found.exact
    assert found.flips == 8
    assert found.p_value == 2 / 8


def test_exact_p_value_counts_ties() -> None:
    found = paired_difference([1.0, 1.0, -1.0], [0.0, 0.0, 0.0], names(3))
    assert found.p_value == 1.0


@pytest.mark.parametrize("count", [10, 60])
def test_p_values_are_scipys_permutation_test(count: int) -> None:
    random = np.random.default_rng(1)
    first = random.normal(0.3, 1, count)
    second = np.zeros(count)
    expected = stats.permutation_test(
        (first, second),
        lambda one, other, axis: np.mean(one - other, axis=axis),
        permutation_type="samples",
        n_resamples=50000,
        rng=0,
    ).pvalue
    found = paired_difference(first, second, names(count), tests=100)
    assert found.exact == (count == 10)
    assert found.p_value == pytest.approx(expected, abs=1e-12 if count == 10 else 0.006)


def test_groups_are_flipped_whole() -> None:
    values = np.repeat(np.random.default_rng(0).normal(0.2, 1, 12), 20)
    grouped = paired_difference(values, np.zeros(240), names(240, size=20))
    alone = paired_difference(values, np.zeros(240), names(240))
    assert grouped.clusters == 12
    assert grouped.p_value is not None
    assert alone.p_value is not None
    assert grouped.p_value > 20 * alone.p_value


def test_identical_values_are_called_identical_and_not_tested() -> None:
    values = np.random.default_rng(0).normal(size=20)
    found = paired_difference(values, values, names(20))
    assert found.identical
    assert found.p_value is None
    assert found.difference == 0.0
    assert not paired_difference(values, values + 1e-9, names(20)).identical


def test_samples_that_lack_a_value_are_left_out_of_both() -> None:
    found = paired_difference([1.0, np.nan, 3.0, 4.0], [0.0, 0.0, np.nan, 2.0], names(4))
    assert (found.difference, found.n, found.clusters) == (1.5, 2, 2)


def test_one_group_has_no_interval_and_no_p_value() -> None:
    found = paired_difference([1.0, 2.0], [0.0, 0.0], ["a", "a"])
    assert found.difference == 1.5
    assert found.interval is None
    assert found.p_value is None


def test_nothing_to_compare_is_nan_and_not_identical() -> None:
    found = paired_difference([np.nan, 1.0], [1.0, np.nan], names(2))
    assert np.isnan(found.difference)
    assert not found.identical
    assert found.p_value is None


def test_pairing_finds_what_unpaired_intervals_hide() -> None:
    random = np.random.default_rng(2)
    difficulty = random.normal(0.5, 0.2, 300)
    worse = difficulty - 0.02 + random.normal(0, 0.02, 300)
    found = paired_difference(difficulty, worse, names(300))
    assert found.interval is not None
    assert found.interval.low > 0
    assert found.interval.half_width < 0.005
    assert found.p_value is not None
    assert found.p_value < 0.001


def test_flips_suffice_for_the_strictest_step_of_holm() -> None:
    assert flips_needed(300, 0.05) == 120000
    assert flips_needed(1, 0.05) == 2000
    assert 1 / (flips_needed(300, 0.05) + 1) < 0.05 / 300


def test_false_alarms_of_unchanged_candidates_come_at_the_level() -> None:
    random = np.random.default_rng(4)
    scale = random.exponential(size=(60, 1))
    first, second = (scale * random.normal(size=(60, 1000)) for _ in range(2))
    found = paired_differences(first, second, names(60), tests=10)
    alarms = np.mean([one.p_value is not None and one.p_value <= 0.05 for one in found])
    assert 0.03 < alarms < 0.07


def test_cells_compared_together_get_the_numbers_they_get_alone() -> None:
    random = np.random.default_rng(6)
    first, second = random.normal(size=(40, 5)), random.normal(size=(40, 5))
    first[3, 2] = np.nan
    together = paired_differences(first, second, names(40), tests=5)
    for cell, one in enumerate(together):
        alone = paired_difference(first[:, cell], second[:, cell], names(40), tests=5)
        assert one.p_value == alone.p_value
        assert one.difference == pytest.approx(alone.difference)


def test_one_reference_serves_all_cells() -> None:
    random = np.random.default_rng(6)
    first, second = random.normal(size=(40, 3)), random.normal(size=(40, 1))
    assert paired_differences(first, second, names(40)) == paired_differences(first, second.repeat(3, 1), names(40))


def test_enumerated_patterns_are_all_different_beyond_one_block() -> None:
    found = sign_flip_p_values(np.exp2(np.arange(15.0))[:, None], np.ones((15, 1)), flips=2**14)[0]
    assert found.exact
    assert found.p_value == 2 / 2**15


def test_values_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"pass \[n, m\]"):
        paired_differences(np.zeros((4, 3)), np.zeros((4, 2)), names(4))
