"""Letters and sentences of a board: from the harness's tests where it ran them, else from intervals that overlap."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from foresight_reports import captions, render
from foresight_reports.analysis.ties import judged
from foresight_reports.board import Board
from foresight_reports.boards import build_boards
from foresight_reports.reading import read_run
from make_rankings import board_of, keys_of, rankings, rows_of, write_rankings


def board(make: Callable[..., Path]) -> Board:
    return build_boards([read_run(make())])[0]


def run_of(found: Board) -> str:
    return found.rows[0].pipeline.run


def test_letters_replace_the_overlap_of_intervals(make: Callable[..., Path]) -> None:
    before = board(make)
    (after,) = judged([before], run_of(before), rankings(rows_of(before, ["a", "ab", "b"]), [board_of(before)]))
    assert before.judged is None
    assert after.judged is not None
    assert after.judged.detectable == 0.1
    assert [row.letters for row in after.rows][:4] == ["a", "ab", "b", "b"]
    assert [row.best for row in after.rows][:3] == [True, True, False]
    assert [row.tied for row in after.rows][:3] == [False, True, False]


def test_the_caption_is_what_the_harness_says_word_for_word(make: Callable[..., Path]) -> None:
    before = board(make)
    said = board_of(before, against_twins="It cannot be told from its twin.", against_ceilings="It is saturated.")
    (after,) = judged([before], run_of(before), rankings(rows_of(before, ["a", "b"]), [said]))
    caption = captions.board(after)
    for name in ("finding", "against_floors", "against_twins", "against_ceilings"):
        assert said[name] in caption
    assert "interval reaches into" not in caption


def test_places_are_the_harnesss_own(make: Callable[..., Path]) -> None:
    before = board(make)
    lines = rows_of(before, ["a"])
    lines[0]["place"], lines[1]["place"] = 2, 1
    (after,) = judged([before], run_of(before), rankings(lines, [board_of(before)]))
    assert after.rows[0].pipeline == before.rows[1].pipeline
    assert [row.rank for row in after.rows[:2]] == [1, 2]


def test_groups_of_another_protocol_say_nothing_about_a_board(make: Callable[..., Path]) -> None:
    before = board(make)
    other = {"protocol": "another"}
    found = rankings(rows_of(before, ["a"], **other), [board_of(before, **other)])
    assert judged([before], run_of(before), found) == [before]


def test_a_conclusion_by_tie_groups_of_before_gives_no_letters(make: Callable[..., Path]) -> None:
    before = board(make)
    found = rankings(rows_of(before, ["a"]), [board_of(before)], form=1)
    assert judged([before], run_of(before), found) == [before]


def test_another_metric_is_named_only_where_a_test_denies_the_leader(make: Callable[..., Path]) -> None:
    before = board(make)
    other = before.columns[1].metric
    assert "Another candidate is better" not in captions.board(before)
    names = [row.pipeline.candidate for row in before.rows]
    for best, said in ((names[1:2], True), (names[:2], False)):
        boards = [board_of(before), {**board_of(before), **keys_of(before, other), "best": best}]
        (after,) = judged([before], run_of(before), rankings(rows_of(before, ["a", "b"]), boards))
        assert (f"Another candidate is better by {before.columns[1].label}." in captions.board(after)) is said


def test_leaders_stand_head_to_head_with_the_others_in_a_table(make: Callable[..., Path]) -> None:
    run = make(suites=("spatial",))
    found = build_boards([read_run(run)])[0]
    first, second = (row.pipeline.candidate for row in found.rows[:2])
    keys = keys_of(found)
    met = {**keys, "candidate": first, "other": second, "verdict": "not told apart", "won": 7, "worst": "s3 (0.1)"}
    section = {"title": "Head to head", "finding": "Leaders are told from 0.", "rows": [met], "columns": []}
    write_rankings(run, rows_of(found, ["a"]), [board_of(found)], head_to_head=section)
    page = render([run]).html
    assert "Head to head" in page
    assert "not told apart" in page
    assert "s3 (0.1)" in page
