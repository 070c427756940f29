"""Remaining time, by a clock that the test turns."""

from __future__ import annotations

import pytest
from foresight_harness.running.costs.pacing import CellKey, Expected, Pace


class Clock:
    """Stands still unless it is turned."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def keys(count: int, suite: str = "spatial") -> list[CellKey]:
    return [(f"candidate_{number}", suite, "shapes") for number in range(count)]


def session(took: dict[CellKey, float], thought: dict[CellKey, Expected]) -> list[tuple[float, float, float]]:
    """Work through cells that take what they take; at each second of it: elapsed, said to be left, left in truth."""
    clock = Clock()
    pace = Pace(dict(thought), clock)
    rows, began, total = [], clock.time, sum(took.values())
    for key, seconds in took.items():
        pace.begin(key)
        for _ in range(int(seconds)):
            clock.time += 1.0
            elapsed = clock.time - began
            rows.append((elapsed, pace.left_s(), total - elapsed))
        pace.end(key)
    return rows


@pytest.mark.parametrize("factor", [0.1, 0.5, 1.0, 4.0, 10.0, 25.0])
def test_after_a_minute_what_is_left_is_known_within_a_factor_of_two(factor: float) -> None:
    """However wrong the guess was: 120 cells of 10 s, guessed as ``10 / factor``."""
    names = keys(120)
    rows = session(dict.fromkeys(names, 10.0), {name: Expected(10.0 / factor, "spatial") for name in names})
    late = [(said, truth) for elapsed, said, truth in rows if elapsed >= 60 and truth >= 20]
    assert len(late) > 1000
    assert all(truth / 2 <= said <= truth * 2 for said, truth in late)


def test_two_suites_that_are_wrong_in_opposite_ways_are_corrected_each_by_itself() -> None:
    quick, slow = keys(40, "spatial"), keys(40, "reconstruction")
    mixed = [name for pair in zip(quick, slow, strict=True) for name in pair]
    took = {name: (2.0 if name in quick else 20.0) for name in mixed}
    thought = {name: Expected(6.0, name[1]) for name in mixed}
    late = [(said, truth) for elapsed, said, truth in session(took, thought) if elapsed >= 60 and truth >= 40]
    assert all(truth / 2 <= said <= truth * 2 for said, truth in late)


def test_a_first_cell_that_encodes_for_minutes_is_told_by_its_pictures() -> None:
    """Guessed 24 s in all, 8 minutes in truth: the pictures that are still to be encoded say so within a minute."""
    clock = Clock()
    names = keys(10)
    pace = Pace({name: Expected(2.4, "first" if name == names[0] else "later") for name in names}, clock)
    pace.begin(names[0])
    assert pace.left_s() == pytest.approx(24.0)
    clock.time += 48.0
    assert pace.left_s(task_left_s=432.0) > 432.0
    pace.end(names[0])
    for name in names[1:]:
        pace.begin(name)
        clock.time += 2.4
        pace.end(name)
    assert pace.left_s() == 0.0


def test_a_cell_that_is_over_its_time_is_never_said_to_be_through() -> None:
    clock = Clock()
    (name,) = keys(1)
    pace = Pace({name: Expected(21.0, "spatial")}, clock)
    pace.begin(name)
    said = []
    for _ in range(12):
        clock.time += 10.0
        said.append(pace.left_s())
    assert all(seconds > 0 for seconds in said[2:])
    assert said[-1] == pytest.approx(120.0 - 21.0)


def test_a_cell_that_failed_or_was_found_finished_says_nothing_about_the_others() -> None:
    clock = Clock()
    names = keys(3)
    pace = Pace({name: Expected(10.0, "spatial") for name in names}, clock)
    pace.begin(names[0])
    clock.time += 0.1
    pace.end(names[0], counts=False)
    assert pace.left_s() == pytest.approx(20.0)
