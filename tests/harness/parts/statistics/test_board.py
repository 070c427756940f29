"""Boards: the best, letters, the leader."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.statistics import tie_groups
from foresight_harness.parts.statistics.board import judge_board
from foresight_harness.parts.statistics.evidence import mean_evidence
from foresight_harness.parts.statistics.mean_interval import mean_interval

UNIT = (0.0, 1.0)


def names(count: int) -> list[str]:
    return [str(index) for index in range(count)]


def scores(random: np.random.Generator, means: np.ndarray, count: int = 200) -> list[np.ndarray]:
    picture = random.normal(0, 0.15, count)
    return [np.clip(mean + picture + random.normal(0, 0.08, count), 0, 1) for mean in means]


@pytest.mark.parametrize("seed", range(6))
def test_the_best_letters_and_pairs_never_contradict_each_other(seed: int) -> None:
    random = np.random.default_rng(seed)
    board = judge_board(mean_evidence(scores(random, 0.4 + 0.2 * random.random(7)), names(200)), "higher", UNIT)
    assert board.order[0] == board.leader == board.best[0]
    for one in board.pairs:
        shared = set(board.letters[one.first]) & set(board.letters[one.second])
        assert bool(shared) == (not one.separated)
    beaten = {one.second if one.difference > 0 else one.first for one in board.pairs if one.separated}
    assert set(board.best) == set(range(7)) - beaten
    assert board.letters[board.leader][0] == "a"


def test_a_clear_winner_stands_alone_and_a_clear_loser_is_out() -> None:
    board = judge_board(
        mean_evidence(scores(np.random.default_rng(1), np.array([0.4, 0.6, 0.2])), names(200)), "higher", UNIT
    )
    assert (board.order, board.best) == ((1, 0, 2), (1,))
    assert board.letters == (("b",), ("a",), ("c",))


def test_lower_is_better_is_the_mirror_image() -> None:
    values = scores(np.random.default_rng(2), np.array([0.4, 0.55, 0.42]))
    high = judge_board(mean_evidence(values, names(200)), "higher", UNIT)
    low = judge_board(mean_evidence([1 - one for one in values], names(200)), "lower", UNIT)
    assert (low.order, low.best, low.letters) == (high.order, high.best, high.letters)
    assert low.leader_interval.high == pytest.approx(1 - high.leader_interval.low)


def test_equal_trained_candidates_stay_together_where_flips_of_seed_means_part_them() -> None:
    random = np.random.default_rng(3)
    parted, old, tries = 0, 0, 40
    for _ in range(tries):
        picture = np.clip(random.normal(0.5, 0.15, 96), 0.2, 0.8)
        rows = [picture + random.normal(0, 0.03, (3, 1)) + random.normal(0, 0.02, (3, 96)) for _ in range(6)]
        board = judge_board(mean_evidence(rows, names(96)), "higher", UNIT, draws=500)
        parted += any(one.separated for one in board.pairs)
        old += len(tie_groups({str(i): row.mean(axis=0) for i, row in enumerate(rows)}, names(96), "higher")) > 1
    assert parted <= 5
    assert old >= 30


def test_equal_candidates_stay_together_with_choosing_paid_for() -> None:
    random = np.random.default_rng(4)
    parted, tries = 0, 100
    for _ in range(tries):
        board = judge_board(mean_evidence(list(random.random((20, 60))), names(60)), "higher", UNIT, draws=500)
        parted += any(one.separated for one in board.pairs)
    assert parted <= 10


def test_the_interval_of_the_leader_holds_where_its_own_does_not() -> None:
    random = np.random.default_rng(5)
    paid, own, tries = 0, 0, 100
    for _ in range(tries):
        values = random.beta(2, 2, (40, 60))
        board = judge_board(mean_evidence(list(values), names(60)), "higher", UNIT, draws=500)
        found, alone = board.leader_interval, mean_interval(values[board.leader], names(60), UNIT)
        paid += found.low <= 0.5 <= found.high
        own += alone.low <= 0.5 <= alone.high
        assert found.high == alone.high
    assert paid >= 0.93 * tries
    assert own <= 0.75 * tries


def test_a_board_of_one_has_its_plain_interval() -> None:
    values = np.random.default_rng(6).random(50)
    board = judge_board(mean_evidence([values], names(50)), "higher", UNIT)
    assert board.best == (0,)
    assert board.leader_interval == mean_interval(values, names(50), UNIT)


def test_a_pair_read_the_other_way_round_changes_its_sign() -> None:
    board = judge_board(
        mean_evidence(scores(np.random.default_rng(7), np.array([0.4, 0.5])), names(200)), "higher", UNIT
    )
    one, other = board.pair(0, 1), board.pair(1, 0)
    assert (other.difference, other.low, other.high) == (-one.difference, -one.high, -one.low)
    with pytest.raises(KeyError, match="no comparison of 0 and 5"):
        board.pair(0, 5)
