"""How alike two captions are, from 0 to 1, as pure functions of their words. No torch."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence


def words_of(text: str) -> tuple[str, ...]:
    """Lower-cased runs of letters and digits."""
    return tuple(re.findall(r"\w+", text.lower()))


def shared_words(one: Sequence[str], other: Sequence[str]) -> float:
    """Dice's coefficient of two bags of words: twice what both say over all that is said; 1 where nothing is."""
    said = len(one) + len(other)
    return 2 * (Counter(one) & Counter(other)).total() / said if said else 1.0


def rouge_l(one: Sequence[str], other: Sequence[str]) -> float:
    """F1 of the longest common subsequence; 1 where neither says a word.

    Source: Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", with beta 1.
    """
    said = len(one) + len(other)
    return 2 * _common(one, other) / said if said else 1.0


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        above = 0  # of the row before, one column to the left
        for column, against in enumerate(other, 1):
            above, row[column] = row[column], above + 1 if word == against else max(row[column], row[column - 1])
    return row[-1]
