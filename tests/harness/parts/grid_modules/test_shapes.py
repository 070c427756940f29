"""Rules on shapes, by hand."""

from __future__ import annotations

import pytest
from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.specs import GridShape
from foresight_harness.parts.grid_modules.shapes import bottleneck_width, largest_grid, require_count


@pytest.mark.parametrize(("width", "expected"), [(3584, 384), (768, 80), (1536, 168), (1, 8), (32, 8)])
def test_bottleneck_follows_the_width_in_steps_and_never_vanishes(width: int, expected: int) -> None:
    assert bottleneck_width(width, (3, 28), multiple=8) == expected


def test_the_largest_grid_has_most_cells_and_the_first_wins_a_tie() -> None:
    wide, square, small = GridShape(4, 9, 2), GridShape(6, 6, 3), GridShape(5, 5, 9)
    assert largest_grid([small, wide, square]) == wide
    assert largest_grid([square, wide]) == square


@pytest.mark.parametrize(
    ("bounds", "words"), [((2, 2), "exactly 2 streams"), ((2, None), "at least 2 streams"), ((2, 3), "2 to 3 streams")]
)
def test_a_wrong_count_says_what_is_taken(bounds: tuple[int, int | None], words: str) -> None:
    with pytest.raises(CandidateError, match=f"x takes {words}, got 1: 1x4x4x2"):
        require_count("x", [GridShape(4, 4, 2)], bounds, "stream")


def test_exactly_one_is_singular() -> None:
    with pytest.raises(CandidateError, match="exactly 1 stream, got 0: none"):
        require_count("x", [], (1, 1), "stream")
