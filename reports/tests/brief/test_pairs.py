"""Two candidates side by side: what the harness tested, in its own numbers, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_reports.boards import build_boards
from foresight_reports.brief.naming import WHOLE
from foresight_reports.brief.pairs import pairs
from foresight_reports.reading import read_run
from make_rankings import board_of, rankings, rows_of

Make = Callable[..., Path]


def table_of(run: Path, direction: str = "higher", **tested: Any) -> tuple[list[list[str]], dict[str, Any]]:
    """Names and the first table of a run whose second candidate was tested against its first."""
    read = read_run(run)
    boards = build_boards([read])
    first, second = (row.pipeline.candidate for row in boards[0].rows[:2])
    rows = rows_of(boards[0], ["a", "b"], role="candidate")
    rows[1] |= {"against": first, "told": True, "p": 0.012, "difference": {"value": -0.1, "low": -0.2, "high": -0.05}}
    rows[1] |= tested
    counted = {"suite": "spatial", "dataset": "shapes", "metric": "iou", "probe": "dense_ridge", "candidate": first}
    met = rankings([{**counted, "other": second, "won": 9, "tied": 1, "lost": 2}], [])
    found = rankings(rows, [board_of(boards[0], direction=direction)])
    made = pairs(boards, read.name, {"rankings": found, "head_to_head": met}, WHOLE)
    return made["names"], made["tables"][0]


def test_a_tested_pair_has_the_numbers_of_the_harness_and_the_pictures_won(make: Make) -> None:
    names, table = table_of(make(suites=("spatial",)))
    (met,) = table["met"]
    a, b = met[:2]
    assert met[2:] == [-0.1, -0.2, -0.05, 0.012, "worse", 2.0, 1.0, 9.0, "all pairs of candidates of the table"]
    assert names[b][0] != names[a][0]
    assert table["better"] == "higher is better"


@pytest.mark.parametrize(
    ("direction", "told", "verdict"),
    [("higher", True, "worse"), ("lower", True, "better"), ("higher", False, "not told apart")],
)
def test_the_verdict_follows_the_direction_and_the_harness(
    make: Make, direction: str, told: bool, verdict: str
) -> None:
    _, table = table_of(make(suites=("spatial",)), direction, told=told)
    assert table["met"][0][6] == verdict


def test_pairs_that_were_not_tested_have_scores_and_letters_alone(make: Make) -> None:
    names, table = table_of(make(suites=("spatial",)))
    assert len(table["met"]) == 1
    assert len(table["scores"]) == len(names)
    letters = {names[place][3]: said for place, *_, said in table["scores"]}
    assert letters["random"] == "b"
    assert letters["floor"] == letters["ceiling"] == ""


def test_a_broken_table_and_rows_of_other_runs_are_not_compared(make: Make) -> None:
    run = read_run(make(suites=("spatial",), broken=("spatial",)))
    assert pairs(build_boards([run]), run.name, {}, WHOLE) == {}
    assert pairs(build_boards([run]), "another", {}, WHOLE) == {}
