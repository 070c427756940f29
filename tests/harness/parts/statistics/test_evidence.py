"""Scores of a board, gathered."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics.evidence import mean_evidence


def names(count: int) -> list[str]:
    return [str(index) for index in range(count)]


def test_samples_that_one_candidate_lacks_are_left_out_for_all_and_counted() -> None:
    first, second = np.random.default_rng(0).random((2, 10))
    second[[1, 4]] = np.nan
    found = mean_evidence([first, second], names(10))
    assert (found.n, found.left_out) == (8, 2)
    assert found.means[0] == pytest.approx(np.delete(first, [1, 4]).mean())


def test_seeds_that_differ_are_trained_and_equal_ones_are_not() -> None:
    random = np.random.default_rng(1)
    closed, trained = np.tile(random.random(12), (3, 1)), random.random((3, 12))
    found = mean_evidence([closed, trained, closed[:1]], names(12))
    assert found.seeds.trained.tolist() == [1]
    variances = found.seeds.variances()
    assert variances[0] == variances[2] == 0
    assert variances[1] > 0


def test_a_trained_candidate_of_one_seed_is_known_as_unknown() -> None:
    found = mean_evidence(list(np.random.default_rng(2).random((2, 1, 12))), names(12), trained=[True, False])
    assert found.seeds.unknown == {0}


def test_seeds_that_differ_count_whatever_is_said_of_them() -> None:
    rows = list(np.random.default_rng(5).random((2, 3, 12)))
    found = mean_evidence(rows, names(12), trained=[False, True])
    assert found.seeds.trained.tolist() == [0, 1]


def test_many_clusters_are_flipped_in_parts_that_fit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    values = list(np.random.default_rng(6).random((2, 50)))
    pair = np.array([0]), np.array([1])
    whole = mean_evidence(values, names(50)).pair_errors(*pair, 3000, 0).drawn[0]
    monkeypatch.setattr("foresight_harness.parts.statistics.evidence.SIGNS_AT_ONCE", 120)
    parts = mean_evidence(values, names(50)).pair_errors(*pair, 3000, 0).drawn[0]
    assert len(parts) == 3000
    assert np.quantile(parts, 0.95) == pytest.approx(np.quantile(whole, 0.95), rel=0.05)


def test_the_error_of_a_pair_is_that_of_the_paired_t_test() -> None:
    first, second = np.random.default_rng(3).random((2, 40))
    errors = mean_evidence([first, second], names(40)).pair_errors(np.array([0]), np.array([1]), 100, 0)
    apart = first - second
    assert errors.error[0] == pytest.approx(apart.std(ddof=1) / np.sqrt(40))
    assert errors.statistic[0] == pytest.approx(apart.mean() / errors.error[0])


def test_flipped_statistics_are_those_of_flipped_differences() -> None:
    """By hand on the same signs: every drawn size is a t statistic of the differences under some signs."""
    first, second = np.random.default_rng(4).random((2, 4))
    drawn = mean_evidence([first, second], names(4)).pair_errors(np.array([0]), np.array([1]), 64, 0).drawn[0]
    apart = first - second
    every = []
    for code in range(16):
        flipped = apart * (1 - 2 * ((code >> np.arange(4)) & 1))
        every.append(abs(flipped.mean()) / (flipped.std(ddof=1) / 2))
    assert all(min(abs(one - np.array(every))) < 1e-3 * max(one, 1) for one in drawn)


def test_a_candidate_without_values_and_shapes_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="candidate 1 has no value"):
        mean_evidence([np.zeros(3), np.full(3, np.nan)], names(3))
    with pytest.raises(ValueError, match=r"pass \[seeds, samples\] a candidate"):
        mean_evidence([np.zeros(3), np.zeros(4)], names(3))
