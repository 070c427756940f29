"""Letters of a board."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from foresight_harness.parts.statistics.letters import compact_letters


def test_three_in_a_chain_share_letters_with_their_neighbours_only() -> None:
    assert compact_letters(3, [(0, 2)]) == [("a",), ("a", "b"), ("b",)]


def test_nothing_told_apart_is_one_letter_and_everything_is_a_letter_each() -> None:
    assert compact_letters(3, []) == [("a",)] * 3
    assert compact_letters(3, list(combinations(range(3), 2))) == [("a",), ("b",), ("c",)]
    assert compact_letters(0, []) == []


@pytest.mark.parametrize("seed", range(20))
def test_two_share_a_letter_exactly_where_they_are_not_told_apart(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(2, 12))
    told = {pair for pair in combinations(range(count), 2) if random.random() < 0.4}
    letters = compact_letters(count, told)
    for pair in combinations(range(count), 2):
        shared = set(letters[pair[0]]) & set(letters[pair[1]])
        assert bool(shared) == (pair not in told)
    assert letters[0][0] == "a"


def test_no_letter_stands_for_what_another_already_says() -> None:
    letters = compact_letters(6, [(0, 3), (0, 4), (1, 4), (2, 5), (0, 5)])
    members = {}
    for place, own in enumerate(letters):
        for letter in own:
            members.setdefault(letter, set()).add(place)
    assert not any(one < other for one in members.values() for other in members.values())


def test_after_z_comes_aa() -> None:
    letters = compact_letters(28, list(combinations(range(28), 2)))
    assert letters[25:] == [("z",), ("aa",), ("ab",)]
