"""Boards judged from runs whose every number is chosen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from foresight_harness.judging.analyses.comparing import NotComparableError
from foresight_harness.judging.ranking import judged as judged_module
from foresight_harness.judging.ranking.judged import Judged, draws_of, judge
from foresight_harness.judging.ranking.saying import (
    against_ceilings,
    against_floors,
    against_twins,
    finding,
    standing,
    twins_missing,
)
from foresight_harness.judging.ranking.scores import kind_of, trained

REST = "/identity/single/linear"
A, B, C = (f"enc_{name}@x{REST}" for name in "abc")
PIXELS, ORACLE, TWIN = f"pixels@patch{REST}", f"oracle@mask{REST}", f"random:enc_a@x{REST}"
RANDOM = np.random.default_rng(0)
BASE = RANDOM.uniform(0.3, 0.6, 80)


def near(shift: float, seed: int, spread: float = 0.02) -> dict[int, list[float]]:
    """Values about the common difficulty of the pictures."""
    return {0: (BASE + shift + np.random.default_rng(seed).normal(0, spread, 80)).tolist()}


Board = Callable[..., Judged]


@pytest.fixture
def board(constructed) -> Board:
    """A judged board: ``{candidate: (values, changes of its record)}``."""

    def make(rows: dict[str, tuple[dict[int, list[float]], dict]]) -> Judged:
        for name, (values, changes) in rows.items():
            constructed.add(name, values, **changes)
        run = constructed.run()
        return judge(run, run.records)

    return make


FLOOR, CEILING = {"role": "floor", "kind": "none"}, {"role": "ceiling", "kind": "none"}


def test_two_alike_can_both_be_the_best_and_a_worse_one_cannot(board: Board) -> None:
    found = board({A: (near(0, 1), {}), B: (near(0.001, 2), {}), C: (near(-0.2, 3), {})})
    assert {record.candidate for record in found.best} == {A, B}
    letters = {record.candidate: found.letters(record) for record in found.records}
    assert letters == {A: "a", B: "a", C: "b"}
    assert "2 of 3 candidates can be the best" in finding(found)
    assert 0 < found.detectable < 0.05
    assert found.separation == pytest.approx(2 / 3)


def test_scores_that_three_places_would_not_show_are_told_by_their_first_digit(board: Board) -> None:
    lower = {"metric": "lpips", "direction": "lower", "suite": "reconstruction"}
    faint = {0: [value * 2e-4 for value in near(0, 1)[0]]}
    found = board({A: (faint, lower), B: (near(0, 2), lower)})
    assert f"{A} is the best of 2: 9e-05 [" in finding(found)
    assert "0.000" not in finding(found)


def test_one_alone_at_the_top_is_the_best_and_its_interval_is_paid_for(board: Board) -> None:
    found = board({A: (near(0.1, 1), {}), B: (near(0, 2), {}), C: (near(0, 3), {})})
    assert f"{A} is the best of 3" in finding(found)
    interval = found.leader_interval
    assert interval is not None
    assert interval.method.endswith("chosen of 3")


def test_floors_are_no_candidates_and_never_hold_a_letter_or_the_lead(board: Board) -> None:
    found = board({A: (near(0, 1), {}), B: (near(-0.1, 2), {}), PIXELS: (near(0.3, 3), FLOOR)})
    assert [record.candidate for record in found.records] == [A, B]
    assert found.leader is not None
    assert found.leader.candidate == A
    assert found.letters(found.leader) == "a", "a board never starts at b because a floor leads it"
    assert against_floors(found).startswith(f"{A} is worse than the floor {PIXELS}")
    assert {one.worse for one in found.floors} == {True}


@pytest.mark.parametrize(
    ("shift", "said"),
    [(0.0, "cannot be told from the floor"), (-0.2, "is better than every floor")],
)
def test_a_floor_that_cannot_be_told_from_the_leader_is_named(board: Board, shift: float, said: str) -> None:
    found = board({A: (near(0, 1), {}), PIXELS: (near(shift, 2), FLOOR)})
    assert said in against_floors(found)
    assert PIXELS in against_floors(found)


def test_missing_floors_are_said_to_be_missing(board: Board) -> None:
    assert against_floors(board({A: (near(0, 1), {}), B: (near(0, 2), {})})).startswith("No floor was scored")


@pytest.mark.parametrize(
    ("shift", "said"), [(-0.2, "It is better than its twin"), (0.0, "It cannot be told from its twin")]
)
def test_a_candidate_is_held_against_its_own_twin(board: Board, shift: float, said: str) -> None:
    found = board({A: (near(0, 1), {}), B: (near(-0.1, 2), {}), TWIN: (near(shift, 3), {"kind": "random"})})
    assert [one.candidate.candidate for one in found.twins] == [A]
    assert [kind_of(record) for record in found.controls] == ["twin"]
    assert against_twins(found).startswith(said)
    assert [record.candidate for record in twins_missing(found)] == [B]


def test_a_trained_leader_without_a_twin_is_said_to_lack_it_and_a_random_one_needs_none(board: Board) -> None:
    assert against_twins(board({A: (near(0, 1), {}), B: (near(-0.1, 2), {})})).startswith("No twin")


def test_random_weights_need_no_twin(board: Board) -> None:
    rows = {A: (near(0, 1), {"kind": "random"}), B: (near(-0.1, 2), {"kind": "random"})}
    assert against_twins(board(rows)) == ""


@pytest.mark.parametrize(
    ("shift", "said", "saturated"),
    [(0.2, "", False), (0.0, "the board is saturated", True), (-0.2, "the ceiling is broken", False)],
)
def test_a_ceiling_that_is_reached_saturates_the_board_and_one_that_is_passed_is_broken(
    board: Board, shift: float, said: str, saturated: bool
) -> None:
    found = board({A: (near(0, 1), {}), B: (near(-0.1, 2), {}), ORACLE: (near(shift, 3), CEILING)})
    assert said in against_ceilings(found)
    assert bool(against_ceilings(found)) is bool(said)
    assert found.saturated is saturated


def test_lower_is_better_turns_the_board_around(board: Board) -> None:
    lower = {"metric": "lpips", "direction": "lower", "suite": "reconstruction"}
    found = board({A: (near(0, 1), lower), B: (near(-0.2, 2), lower), PIXELS: (near(0.2, 3), {**FLOOR, **lower})})
    assert found.leader is not None
    assert found.leader.candidate == B
    assert "better than every floor" in against_floors(found)


def test_identical_candidates_are_called_identical_and_none_leads(board: Board) -> None:
    found = board({A: (near(0, 1), {}), B: (near(0, 1), {})})
    assert "all 2 candidates are identical to the digit" in finding(found)


def test_a_candidate_trained_with_one_seed_is_told_from_nothing_and_the_sentence_says_so(board: Board) -> None:
    fitted = {"params": {"enhancer": 1000}}
    found = board({A: (near(0, 1), fitted), B: (near(-0.3, 2), {})})
    assert [record.candidate for record in found.seeds_unknown] == [A]
    assert len(found.best) == 2
    assert "1 of 2 was trained with one seed" in finding(found)


def test_one_seed_is_no_tie_with_a_control_and_saturates_nothing(board: Board) -> None:
    fitted, values = {"params": {"enhancer": 1000}}, near(0, 1)
    controls = {PIXELS: (near(-0.2, 2), FLOOR), ORACLE: (near(0.2, 3), CEILING), TWIN: (near(-0.1, 4), fitted)}
    found = board({A: (values, fitted), **controls})
    assert against_floors(found).startswith(f"{A} was trained with one seed, so nothing is told of it and the floor")
    assert against_twins(found).startswith("It was trained with one seed")
    assert against_ceilings(found) == ""
    assert not found.saturated


def test_several_seeds_count_as_noise(board: Board) -> None:
    """Means that seeds move by 0.1 are not told apart by 80 pictures, however alike the pictures."""

    def seeds(shifts: tuple[float, ...], start: int) -> dict[int, list[float]]:
        return {seed: near(shift, start + seed, 0.005)[0] for seed, shift in enumerate(shifts)}

    noisy = board({A: (seeds((0.1, 0.0, -0.1), 1), {}), B: (seeds((0.05, -0.15, 0.0), 9), {})})
    assert len(noisy.best) == 2


def test_what_is_trained_is_read_from_seeds_modules_fit_and_probe(constructed) -> None:
    cases = [
        ({}, False),
        ({"params": {"adapter": 100, "encoder": 9}}, False),
        ({"params": {"fusion": 100}}, True),
        ({"details": {"fit": {"steps": 25}}}, True),
        ({"probe": "detr"}, True),
        ({"probe": "dense_ridge"}, False),
    ]
    for place, (changes, _) in enumerate(cases):
        constructed.add(f"enc_{place}@x{REST}", near(0, place), **changes)
    run = constructed.run()
    assert [trained(run, record) for record in run.records] == [wanted for _, wanted in cases]


def test_too_many_candidates_for_pairs_are_refused_with_the_way_out(board: Board, monkeypatch) -> None:
    monkeypatch.setattr(judged_module, "MOST", 2)
    with pytest.raises(NotComparableError, match=r"3 candidates stand on one board of iou; up to 2 .* --candidate"):
        board({A: (near(0, 1), {}), B: (near(0, 2), {}), C: (near(0, 3), {})})


def test_large_boards_are_judged_by_fewer_draws_and_never_by_fewer_than_resolve_five_percent() -> None:
    assert draws_of(10) == 4000
    assert draws_of(20_000) == 2000
    assert draws_of(44_850) == 1000


def test_only_controls_are_listed_and_not_ranked(board: Board) -> None:
    found = board({PIXELS: (near(0, 1), FLOOR), ORACLE: (near(0.2, 2), CEILING)})
    assert found.board is None
    assert "no candidate was scored" in finding(found)
    assert (found.leader, found.best, found.separation) == (None, (), None)


@pytest.mark.parametrize(
    ("floor", "ceiling", "said"),
    [
        (0.1, 0.9, ["is better than the floor mean_picture (0.100)"]),
        (0.45, 0.9, ["cannot be told from the floor mean_picture (0.450)"]),
        (0.8, 0.9, ["is worse than the floor mean_picture (0.800)"]),
        (
            0.1,
            0.45,
            ["is better than the floor", "cannot be told from the ceiling round_trip (0.450): the"],
        ),
        (0.1, 0.2, ["better than the ceiling round_trip (0.200), which is then no bound"]),
    ],
)
def test_quoted_floors_and_ceilings_are_held_against_the_leaders_interval(
    board: Board, floor: float, ceiling: float, said: list[str]
) -> None:
    quoted = {"floor": floor, "floor_by": "mean_picture", "ceiling": ceiling, "ceiling_by": "round_trip"}
    found = board({A: (near(0, 1), quoted), B: (near(-0.1, 2), quoted)})
    sentences = " ".join((against_floors(found), against_ceilings(found)))
    assert all(text in sentences for text in said)
    assert found.saturated is ("saturated" in sentences)


def test_where_the_leader_stands_is_one_word(board: Board) -> None:
    rows = {A: (near(0, 1), {}), PIXELS: (near(-0.2, 2), FLOOR), TWIN: (near(0, 3), {"kind": "random"})}
    found = board(rows)
    assert (standing(found, "floor"), standing(found, "twin")) == ("better", "not told apart")


def test_without_floor_or_twin_the_word_is_absent(board: Board) -> None:
    found = board({A: (near(0, 1), {}), B: (near(0, 2), {})})
    assert (standing(found, "floor"), standing(found, "twin")) == ("absent", "absent")


def test_a_better_floor_and_a_single_seed_have_words_of_their_own(board: Board) -> None:
    found = board({A: (near(0, 1), {}), PIXELS: (near(0.2, 2), FLOOR)})
    assert standing(found, "floor") == "worse"


def test_one_seed_is_a_word_too(board: Board) -> None:
    found = board({A: (near(0, 1), {"params": {"fusion": 9}}), PIXELS: (near(-0.2, 2), FLOOR)})
    assert standing(found, "floor") == "one seed"
