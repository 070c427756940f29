"""Letters for a board: two candidates share one exactly where they are not told apart."""

from __future__ import annotations

from collections.abc import Collection
from string import ascii_lowercase

LETTERS = ascii_lowercase


def compact_letters(count: int, separated: Collection[tuple[int, int]]) -> list[tuple[str, ...]]:
    """Compact letter display of ``count`` candidates, given best first.

    Args:
        count: Candidates.
        separated: Pairs that are told apart, in any order.

    Returns:
        Letters of each candidate, ``a`` the first candidate's first; after ``z`` comes ``aa``.

    Source: Piepho 2004, "An Algorithm for a Letter-Based Representation of All-Pairwise Comparisons"
        (insert and absorb).
    """
    columns = [frozenset(range(count))] if count else []
    for first, second in sorted({(min(pair), max(pair)) for pair in separated}):
        split = [column for column in columns if first in column and second in column]
        kept = [column for column in columns if column not in split]
        parts = {column - {one} for column in split for one in (first, second)}
        # A column inside another says nothing that the other does not say.
        kept += [part for part in parts if not any(part <= other for other in kept)]
        columns = [one for one in kept if not any(one < other for other in kept)]
    columns.sort(key=sorted)
    return [tuple(_name(place) for place, column in enumerate(columns) if member in column) for member in range(count)]


def _name(place: int) -> str:
    """``a`` to ``z``, then ``aa``, ``ab`` ..."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, len(LETTERS))
        name = LETTERS[rest] + name
    return name
