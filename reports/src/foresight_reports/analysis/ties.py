"""What the conclusion ``rankings`` says of a board: letters, the candidates that can be the best, its sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from foresight_reports.analysis.files import Analysis, Line, amount, measured, parse_analysis, said, truth
from foresight_reports.board import Board, Row
from foresight_reports.judged import Judged
from foresight_reports.records import number

KEYS = ("suite", "dataset", "metric", "probe", "protocol")
FORM = 2
"""Of the conclusion; the first one set tie groups against their heads, and is shown as a table alone."""
Key = tuple[str, ...]


def judged(boards: Sequence[Board], run: str, rankings: Analysis | None) -> list[Board]:
    """The boards, those that the harness tested with what it found; a board with rows of other runs was not tested."""
    if rankings is None or number(rankings.extra.get("form")) != FORM:
        return list(boards)
    found = {_key(each): _judged(each) for each in rankings.section("boards")}
    lines: dict[Key, dict[str, Line]] = {}
    for line in rankings.rows:
        lines.setdefault(tuple(said(line, key) for key in KEYS), {})[said(line, "candidate")] = line
    return [_with(board, run, found, lines) for board in boards]


def head_to_head(rankings: Analysis | None) -> Analysis | None:
    """Leaders against the others, which stands within the conclusion in the form of one."""
    content = None if rankings is None else rankings.extra.get("head_to_head")
    if not isinstance(content, Mapping) or not content.get("rows"):
        return None
    found = parse_analysis(content, "head_to_head", "analysis/rankings.json", [])
    if found is None:
        return None
    told = sum(said(line, "verdict") in ("better", "worse") for line in found.rows)
    finding = f"{told} of {len(found.rows)} differences between a leader and another candidate are more than chance."
    return replace(found, finding=finding)


def _with(board: Board, run: str, found: Mapping[Key, Judged], lines: Mapping[Key, Mapping[str, Line]]) -> Board:
    if board.broken or any(row.pipeline.run != run for row in board.rows):
        return board
    keys = [_key_of(board, column.metric) for column in board.columns]
    own = found.get(keys[0])
    if own is None:
        return board
    unranked = len(board.rows) + 1
    named = lines.get(keys[0], {})
    rows = sorted((_row(row, named) for row in board.rows), key=lambda row: row.rank or unranked)
    leader = rows[0].pipeline.candidate if rows else ""
    others = [
        column.label
        for column, key in zip(board.columns[1:], keys[1:], strict=True)
        if key in found and leader not in found[key].best
    ]
    return replace(board, rows=rows, judged=own, elsewhere=others)


def _row(row: Row, lines: Mapping[str, Line]) -> Row:
    line = lines.get(row.pipeline.candidate)
    place = None if line is None else amount(line, "place")
    if line is None or place is None:
        return replace(row, tied=False)
    best = truth(line, "best")
    return replace(row, rank=int(place), tied=bool(best) and place != 1, letters=said(line, "letters"), best=best)


def _key(each: Mapping[str, Any]) -> Key:
    return tuple(str(each.get(key) or "") for key in KEYS)


def _key_of(board: Board, metric: str) -> Key:
    group = board.group
    return (group.suite, group.dataset, metric, group.probe or "", group.protocol)


def _judged(each: Mapping[str, Any]) -> Judged:
    def text(name: str) -> str:
        return str(each.get(name) or "")

    best = each.get("best")
    return Judged(
        finding=text("finding"),
        floors=text("against_floors"),
        twins=text("against_twins"),
        ceilings=text("against_ceilings"),
        leader=text("leader"),
        interval=measured(each.get("leader_interval") or {}),
        best=frozenset(str(name) for name in best) if isinstance(best, list) else frozenset(),
        floor=text("floors"),
        twin=text("twin"),
        separation=number(each.get("separation")),
        saturated=each.get("saturated") is True,
        detectable=number(each.get("detectable")),
    )
