"""Tie groups of a board from the conclusion ``rankings``: paired tests, where the harness has run them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from foresight_reports.analysis.files import Analysis, amount, said
from foresight_reports.boards import Board
from foresight_reports.records import number

KEYS = ("suite", "dataset", "metric", "probe", "protocol")


def tied(boards: Sequence[Board], run: str, rankings: Analysis | None) -> list[Board]:
    """The boards, those that were tested with the tie group of each of the run's candidates."""
    if rankings is None:
        return list(boards)
    places: dict[tuple[str, ...], dict[str, int]] = {}
    heads: dict[tuple[str, ...], str] = {}
    for line in rankings.rows:
        place = amount(line, "place")
        if place is not None:
            key = tuple(said(line, key) for key in KEYS)
            places.setdefault(key, {})[said(line, "candidate")] = int(place)
            # All others of a group were tested against the first, which may be a floor.
            heads.setdefault((*key, str(int(place))), said(line, "candidate"))
    detectable = {
        tuple(str(each.get(key) or "") for key in KEYS): number(each.get("detectable"))
        for each in rankings.section("boards")
    }
    return [_with_groups(board, run, places, heads, detectable) for board in boards]


def _with_groups(
    board: Board,
    run: str,
    places: dict[tuple[str, ...], dict[str, int]],
    heads: dict[tuple[str, ...], str],
    detectable: dict[tuple[str, ...], float | None],
) -> Board:
    group = board.group
    key = (group.suite, group.dataset, board.primary.metric, group.probe or "", group.protocol)
    mine = places.get(key)
    if mine is None or board.broken or any(row.pipeline.run != run for row in board.rows):
        return board
    # Floors are tested beside the candidates: the leader of the board need not be in the first group of all.
    first = min((mine[row.pipeline.candidate] for row in board.rows if row.pipeline.candidate in mine), default=0)
    rows = [
        replace(row, group=place, tied=place == first and row.rank != 1)
        for row in board.rows
        for place in (mine.get(row.pipeline.candidate),)
    ]
    head = heads.get((*key, str(first)), "")
    judged_by = "" if head in {row.pipeline.candidate for row in board.rows} else head
    return replace(board, rows=rows, tested=True, judged_by=judged_by, detectable=detectable.get(key))
