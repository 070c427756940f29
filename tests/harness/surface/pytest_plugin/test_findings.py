"""The end of a session says what its boards say, the ones that tell most first."""

from __future__ import annotations

from typing import Any

from foresight_harness.judging.analyses.envelope import Analysis
from foresight_harness.measuring.suites.specs import suite_specs
from foresight_harness.surface.pytest_plugin.summary import SHOWN, _findings


def rankings(boards: list[dict[str, Any]]) -> Analysis:
    return Analysis("rankings", "", "", (), (), further={"boards": boards}, form=2)


SUITES = {spec.name: spec for spec in suite_specs()}


def board(name: str, separation: float | None, suite: str = "spatial") -> dict[str, Any]:
    said = {"finding": f"By iou on {name}.", "against_floors": "It is better."}
    return {**said, "separation": separation, "suite": suite, "candidates": 3, "saturated": False}


def test_the_board_that_tells_most_of_the_first_suite_is_said_first_with_its_floors() -> None:
    boards = [board("clips", 0.9, "temporal"), board("coins", 0.1), board("none", None), board("shapes", 0.7)]
    said = _findings(rankings(boards), SUITES)
    assert said == (
        "By iou on shapes. It is better.",
        "By iou on coins. It is better.",
        "By iou on none. It is better.",
        "By iou on clips. It is better.",
    )


def test_many_boards_are_counted_and_no_ranking_says_nothing() -> None:
    said = _findings(rankings([board(str(place), 0.5) for place in range(SHOWN + 3)]), SUITES)
    assert len(said) == SHOWN + 1
    assert said[-1] == "and 3 boards more, on the page"
    assert _findings(None, SUITES) == ()
