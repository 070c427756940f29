"""Likeness of two captions, by hand and by an independent search through all subsequences."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations

import pytest
from foresight_vlm_kit.consistency.likeness import rouge_l, shared_words, words_of
from foresight_vlm_kit.consistency.metric import share_equal


def longest(one: Sequence[str], other: Sequence[str]) -> int:
    """By trying every subsequence of the first, longest first."""

    def within(wanted: tuple[str, ...]) -> bool:
        left = iter(other)
        return all(word in left for word in wanted)

    tried = (count for count in range(len(one), 0, -1) for wanted in combinations(one, count) if within(wanted))
    return next(tried, 0)


def test_words_are_lower_cased_and_without_marks() -> None:
    assert words_of("A red Square, 2 discs.\n") == ("a", "red", "square", "2", "discs")


@pytest.mark.parametrize(
    ("one", "other", "shared", "subsequence"),
    [
        ("a red square", "a red square", 1.0, 1.0),
        ("a red square", "a blue square", 2 / 3, 2 / 3),
        ("square red a", "a red square", 1.0, 1 / 3),
        ("red red", "red", 2 / 3, 2 / 3),
        ("red", "blue", 0.0, 0.0),
        ("", "blue", 0.0, 0.0),
        ("", "", 1.0, 1.0),
    ],
)
def test_likeness_by_hand(one: str, other: str, shared: float, subsequence: float) -> None:
    assert shared_words(one.split(), other.split()) == pytest.approx(shared)
    assert rouge_l(one.split(), other.split()) == pytest.approx(subsequence)


def test_the_longest_common_subsequence_is_that_of_trying_all() -> None:
    drawn = random.Random(0)
    for _ in range(60):
        one, other = (drawn.choices("abcd", k=drawn.randint(1, 8)) for _ in range(2))
        assert rouge_l(one, other) == pytest.approx(2 * longest(one, other) / (len(one) + len(other)))
        assert rouge_l(one, other) == rouge_l(other, one)


def test_answers_are_compared_question_by_question() -> None:
    assert share_equal((True, False, True, True), (True, True, False, True)) == 0.5
    with pytest.raises(ValueError, match="longer"):
        share_equal((True,), (True, False))
