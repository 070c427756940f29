"""Any two candidates side by side: their scores, and what the harness tested of them. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from foresight_reports import metrics
from foresight_reports.analysis.files import Analysis, Line, amount, quantity, said, truth
from foresight_reports.analysis.ties import KEYS
from foresight_reports.board import Board, Column, Row
from foresight_reports.brief.naming import Names
from foresight_reports.charts import round_for_page

Met = list[Any]
"""``[a, b, difference, low, high, p, verdict, won, tied, lost, family]`` of ``a`` against ``b``, absent parts None."""

FAMILIES = {"candidate": "all pairs of candidates of the table"}
CONTROLS = "all candidates against controls of the table"
"""What a p value was corrected for, by the role of the one that was tested."""


def pairs(boards: Sequence[Board], run: str, analyses: Mapping[str, Analysis], names: Names) -> dict[str, Any]:
    """What the page needs to set two candidates against each other; empty where no table holds two.

    Args:
        boards: All tables of the page.
        run: Only rows of this run are compared: its analyses say nothing about others.
        analyses: The conclusions of the run: ``rankings``, and what stands head to head within it.
        names: How candidates are called on the page.
    """
    mine = [(board, [row for row in (*board.rows, *board.controls) if row.pipeline.run == run]) for board in boards]
    listed: dict[str, list[str]] = {}
    for _, rows in mine:
        for row in rows:
            name = row.pipeline.candidate
            role = "" if row.role == "candidate" else row.role
            listed.setdefault(name, [name, names.short(name), row.pipeline.anchor, role or row.weights])
    places = {name: place for place, name in enumerate(listed)}
    met = _met(analyses)
    tables = [
        table
        for board, rows in mine
        for column in board.columns
        if not board.broken and (table := _table(board, column, rows, places, met, analyses.get("rankings")))
    ]
    return {"run": run, "names": list(listed.values()), "tables": tables} if tables else {}


def _table(
    board: Board,
    column: Column,
    rows: Sequence[Row],
    places: Mapping[str, int],
    met: Mapping[tuple[str, ...], Sequence[tuple[str, str, Met]]],
    rankings: Analysis | None,
) -> dict[str, Any] | None:
    """Scores and tests by one metric of a table; None where nothing is ranked by it."""
    group = board.group
    key = (group.suite, group.dataset, column.metric, group.probe or "", group.protocol)
    lines = {said(line, "candidate"): line for line in _lines(rankings) if _key(line) == key}
    known = [row for row in rows if row.value(column.metric) is not None]
    if column.direction not in metrics.MARKS or len(known) < 2 or not (lines or column is board.primary):
        return None
    scores = []
    for row in known:
        record = row.records[column.metric]
        letters = said(lines.get(row.pipeline.candidate, {}), "letters")
        interval = metrics.span(record.ci_low, record.ci_high, record.unit) if record.has_interval else ""
        written = metrics.write(record.value, record.unit)
        scores.append([places[row.pipeline.candidate], written, interval, record.anchor, letters])
    present = {row.pipeline.candidate for row in known}
    found = [[places[a], places[b], *rest] for a, b, rest in met.get(key, ()) if a in present and b in present]
    return {
        "title": board.title,
        "anchor": board.anchor,
        "metric": column.label,
        "unit": metrics.pretty_unit(column.unit),
        "better": column.words,
        "scores": scores,
        "met": found,
    }


def _met(analyses: Mapping[str, Analysis]) -> dict[tuple[str, ...], list[tuple[str, str, Met]]]:
    """Every pair that was tested, by table and metric."""
    found: dict[tuple[str, ...], list[tuple[str, str, Met]]] = {}
    counts: dict[tuple[str, ...], Line] = {
        (said(line, "suite"), said(line, "dataset"), said(line, "metric"), said(line, "probe"), *_both(line)): line
        for line in _lines(analyses.get("head_to_head"))
    }
    better = _directions(analyses.get("rankings"))
    for line in _lines(analyses.get("rankings")):
        a, b, key = said(line, "candidate"), said(line, "against"), _key(line)
        if not b:
            continue
        # Counts of pictures stand with the leader first, the test with it second.
        count = counts.get((*key[:4], b, a), {})
        turned = [amount(count, name) for name in ("lost", "tied", "won")]
        met = [*_numbers(line), amount(line, "p"), _verdict(line, better.get(key, "higher"))]
        found.setdefault(key, []).append((a, b, [*met, *turned, FAMILIES.get(said(line, "role"), CONTROLS)]))
    return found


def _lines(analysis: Analysis | None) -> Iterator[Line]:
    yield from () if analysis is None else analysis.rows


def _key(line: Line) -> tuple[str, ...]:
    return tuple(said(line, key) for key in KEYS)


def _both(line: Line) -> tuple[str, str]:
    return said(line, "candidate"), said(line, "other")


def _directions(rankings: Analysis | None) -> dict[tuple[str, ...], str]:
    boards = rankings.section("boards") if rankings is not None else []
    return {tuple(str(each.get(key) or "") for key in KEYS): str(each.get("direction") or "higher") for each in boards}


def _numbers(line: Line) -> list[float | None]:
    found = quantity(line, "difference")
    return [round_for_page(end) for end in (found.value, found.low, found.high)]


def _verdict(line: Line, direction: str) -> str:
    """``better``, ``worse`` or ``not told apart``, from the harness's own answer and the side of the difference."""
    value = quantity(line, "difference").value
    if not truth(line, "told") or value is None:
        return "not told apart"
    return "better" if (value > 0) == (direction != "lower") else "worse"
