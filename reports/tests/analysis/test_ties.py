"""Tie groups: from paired tests where the harness ran them, from intervals elsewhere, never across protocols."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from foresight_reports import captions
from foresight_reports.analysis.files import Analysis
from foresight_reports.analysis.ties import tied
from foresight_reports.boards import Board, build_boards
from foresight_reports.reading import read_run


def ranked(make: Callable[..., Path], **changes: str) -> tuple[Board, Board]:
    run = read_run(make())
    board = build_boards([run])[0]
    keys = {
        "suite": "spatial",
        "dataset": "shapes",
        "metric": "iou",
        "probe": "dense_ridge",
        "protocol": board.group.protocol,
    }
    rows = [
        {**keys, **changes, "candidate": row.pipeline.candidate, "place": 2.0 if place < 3 else 3.0}
        for place, row in enumerate(board.rows)
    ]
    floor = {**keys, **changes, "candidate": "constant@patches/identity/single/ltx_video_nano", "place": 1.0}
    rankings = Analysis("rankings", "", "", [], {}, [], [floor, *rows], {"boards": [{**keys, "detectable": 0.1}]})
    return board, tied([board], run.name, rankings)[0]


def test_a_paired_test_replaces_the_overlap_of_intervals(make: Callable[..., Path]) -> None:
    before, after = ranked(make)
    assert (before.tested, after.tested, after.detectable) == (False, True, 0.1)
    assert [row.group for row in after.rows][:4] == [2, 2, 2, 3]
    assert [row.tied for row in after.rows][:4] == [False, True, True, False]
    assert f"2 of {len(after.rows) - 1} others cannot be told from it by a paired test." in captions.board(after)


def test_groups_of_another_protocol_say_nothing_about_a_board(make: Callable[..., Path]) -> None:
    before, after = ranked(make, protocol="another")
    assert after == before


def test_a_floor_that_leads_the_group_of_the_leader_is_what_the_test_speaks_of(make: Callable[..., Path]) -> None:
    run = read_run(make())
    board = build_boards([run])[0]
    keys = {"suite": "spatial", "dataset": "shapes", "metric": "iou", "probe": "dense_ridge"}
    keys["protocol"] = board.group.protocol
    names = ["pixels@patch/identity/single/x", *(row.pipeline.candidate for row in board.rows)]
    rows = [{**keys, "candidate": name, "place": 1.0 if at < 3 else 2.0} for at, name in enumerate(names)]
    (found,) = tied([board], run.name, Analysis("rankings", "", "", [], {}, [], rows, {}))
    assert found.judged_by == "pixels@patch/identity/single/x"
    said = captions.board(found)
    assert f"2 of {len(board.rows)} candidates, it among them, cannot be told from the floor pixels@patch" in said
    assert "others cannot be told from it" not in said
