"""Families of comparisons."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics import paired_difference
from foresight_harness.parts.statistics.evidence import mean_evidence
from foresight_harness.parts.statistics.families import compare_family

UNIT = (0.0, 1.0)


def names(count: int) -> list[str]:
    return [str(index) for index in range(count)]


def test_one_pair_without_a_range_has_the_p_value_of_sign_flips() -> None:
    random = np.random.default_rng(0)
    half = random.normal(0.0, 0.1, 6)
    first = random.random(12)
    # Symmetric around their mean, so that nothing is corrected for skewness.
    second = first - (np.concatenate([half, -half]) + 0.04)
    found = compare_family(mean_evidence([first, second], names(12)), [(0, 1)], draws=20_000)[0]
    assert found.difference == pytest.approx(0.04)
    assert found.p_value == pytest.approx(paired_difference(first, second, names(12)).p_value, abs=0.01)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("bounds", [UNIT, (None, None)])
def test_intervals_leave_zero_out_exactly_where_pairs_are_told_apart(seed: int, bounds: tuple) -> None:
    random = np.random.default_rng(seed)
    steps = random.random(6)[:, None] * 0.3
    values = np.clip(random.random((1, 60)) * 0.6 + steps + random.normal(0, 0.1, (6, 60)), 0, 1)
    pairs = [(i, j) for i in range(6) for j in range(i + 1, 6)]
    found = compare_family(mean_evidence(list(values), names(60)), pairs, bounds, draws=500)
    assert any(one.separated for one in found)
    for one in found:
        assert one.separated == (one.p_value <= 0.05) == (one.low > 0 or one.high < 0)
        assert one.low <= one.difference <= one.high


def test_a_larger_family_asks_for_more() -> None:
    random = np.random.default_rng(1)
    values = list(random.random((8, 50)) + np.linspace(0, 0.2, 8)[:, None])
    evidence = mean_evidence(values, names(50))
    alone = compare_family(evidence, [(0, 7)])[0]
    pairs = [(i, j) for i in range(8) for j in range(i + 1, 8)]
    among = compare_family(evidence, pairs)[pairs.index((0, 7))]
    assert among.p_value > alone.p_value
    assert among.high - among.low > alone.high - alone.low


def test_what_is_told_apart_first_makes_the_rest_easier() -> None:
    """Step-down: a pair among many obvious ones is compared with what remains."""
    random = np.random.default_rng(2)
    base = random.random(80)
    values = [
        base,
        base + 0.05 + random.normal(0, 0.15, 80),
        *(base + 1 + i + random.normal(0, 0.15, 80) for i in range(4)),
    ]
    pairs = [(i, j) for i in range(6) for j in range(i + 1, 6)]
    among = compare_family(mean_evidence(values, names(80)), pairs)
    alone = compare_family(mean_evidence(values, names(80)), [(0, 1)])[0]
    assert among[0].p_value == pytest.approx(alone.p_value, abs=0.01)


def test_few_samples_of_a_range_tell_nothing_that_its_ends_could_undo() -> None:
    """Eight equal gains of 0.05 pass sign flips; one loss of 0.9 among the unseen would undo them."""
    values = [np.full(8, 0.55), np.full(8, 0.5)]
    evidence = mean_evidence(values, names(8))
    assert compare_family(evidence, [(0, 1)])[0].separated
    guarded = compare_family(evidence, [(0, 1)], UNIT)[0]
    assert not guarded.separated
    assert guarded.p_value > 0.05


def test_a_difference_with_a_long_tail_on_the_other_side_is_corrected() -> None:
    """Gains of 0.05 on 38 pictures, losses on two: Student's t passes, skewness says that more losses may be unseen."""
    random = np.random.default_rng(3)
    apart = np.concatenate([np.full(38, 0.1) + random.normal(0, 0.005, 38), [-0.5, -0.45]])
    values = [apart, np.zeros(40)]
    errors = mean_evidence(values, names(40)).pair_errors(np.array([0]), np.array([1]), 10, 0)
    assert errors.statistic[0] > 2.6
    assert not compare_family(mean_evidence(values, names(40)), [(0, 1)])[0].separated


def test_identical_candidates_are_said_to_be_and_not_tested() -> None:
    values = np.random.default_rng(4).random(30)
    found = compare_family(mean_evidence([values, values.copy()], names(30)), [(0, 1)], UNIT)[0]
    assert found.identical
    assert found.p_value is None
    assert not found.separated


def test_a_trained_candidate_with_one_seed_is_told_from_nothing() -> None:
    values = [np.full((1, 60), 0.9), np.zeros((1, 60))]
    found = compare_family(mean_evidence(values, names(60), trained=[True, False]), [(0, 1)], UNIT)[0]
    assert found.seeds_unknown
    assert (found.separated, found.p_value, found.low) == (False, None, None)
    assert compare_family(mean_evidence(values, names(60)), [(0, 1)], UNIT)[0].separated


def test_the_same_seed_gives_the_same_numbers() -> None:
    evidence = mean_evidence(list(np.random.default_rng(5).random((4, 3, 40))), names(40))
    pairs = [(0, 1), (2, 3)]
    assert compare_family(evidence, pairs, UNIT) == compare_family(evidence, pairs, UNIT)


def test_one_cluster_decides_nothing() -> None:
    evidence = mean_evidence([np.ones(5), np.zeros(5)], ["a"] * 5)
    assert compare_family(evidence, [(0, 1)], UNIT)[0].p_value is None
