"""What the charts draw, as plain data; the drawing itself is in ``assets/js/charts.js``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from foresight_reports import metrics
from foresight_reports.board import Board, Column, Row
from foresight_reports.grids import encoder_name
from foresight_reports.pareto import Tradeoff
from foresight_reports.profiles import Profile, depth
from foresight_reports.records import Record

ALIGNMENT_ROWS = 30


def _axis(column: Column) -> dict[str, Any]:
    unit = metrics.pretty_unit(column.unit)
    return {"name": column.label, "unit": unit, "direction": column.direction}


def round_for_page(value: float | None) -> float | None:
    """Five digits: more than any eye needs, at half the bytes."""
    return None if value is None else float(f"{value:.5g}")


class Names:
    """The candidates that charts draw, each once: points hold places in this list."""

    def __init__(self, tags: Mapping[str, str] | None = None) -> None:
        """``tags`` are the letters of the runs where there are several."""
        self._tags = tags or {}
        self.rows: list[list[str]] = []
        self._places: dict[tuple[str, str], int] = {}

    def place(self, row: Row) -> int:
        """Place of a candidate in the list; new ones are added."""
        key = (row.pipeline.run, row.pipeline.candidate)
        if key not in self._places:
            self._places[key] = len(self.rows)
            tag = f" ({self._tags[row.pipeline.run]})" if self._tags else ""
            self.rows.append([row.pipeline.candidate + tag, row.pipeline.anchor, encoder_name(row), row.weights])
        return self._places[key]


def _numbers(record: Record) -> list[float | None]:
    return [round_for_page(value) for value in (record.value, record.ci_low, record.ci_high)]


def tradeoff_data(found: Tradeoff, names: Names) -> dict[str, Any]:
    """Points of the scatter by rising latency: candidate, latency, quality with interval, whether on the front."""
    return {
        "x": _axis(found.latency),
        "y": _axis(found.column),
        "points": [
            [names.place(p.row), round_for_page(p.latency.value), *_numbers(p.quality), int(p.front)]
            for p in found.points
        ],
    }


def profile_data(found: Sequence[Profile], names: Names) -> dict[str, Any]:
    """Lines of one encoder over its taps: candidate, tap, value with interval, line."""
    taps = sorted({tap for each in found for tap in each.taps}, key=depth)
    return {
        "taps": taps,
        "lines": [each.label for each in found],
        "y": _axis(found[0].board.primary),
        "points": [
            [names.place(row), taps.index(tap), *_numbers(record), line]
            for line, each in enumerate(found)
            for tap, row, record in zip(each.taps, each.rows, each.records, strict=True)
        ],
        "floor": round_for_page(found[0].records[0].floor),
        "ceiling": round_for_page(found[0].records[0].ceiling),
    }


def alignment_rows(board: Board) -> list[Row]:
    """Rows of a board whose primary number has a permutation null."""
    metric = board.primary.metric
    return [row for row in board.rows if row.value(metric) is not None and _limit(row.records[metric]) is not None]


def _limit(record: Record) -> float | None:
    return record.null.p95 if record.null else None


def alignment_data(board: Board, rows: Sequence[Row], names: Names) -> dict[str, Any]:
    """Values with their nulls, the best first: candidate, value with interval, mean and 95th percentile of the null."""

    def null(record: Record) -> list[float | None]:
        ends = [record.null.mean, record.null.p95] if record.null else [None, None]
        return [None if end is None else round_for_page(end) for end in ends]

    records = [(row, row.records[board.primary.metric]) for row in rows[:ALIGNMENT_ROWS]]
    return {
        "x": _axis(board.primary),
        "points": [[names.place(row), *_numbers(r), *null(r)] for row, r in records],
    }


def whisker(record: Record, column: Column) -> str:
    """Path of an in-cell bar on a canvas of 100 by 8 pixels: the interval as a line, the value as a stroke across it.

    A path attribute and not a style attribute: the page's policy allows no inline styles.
    """
    span = column.high - column.low

    def place(value: float) -> str:
        return f"{2 + 96 * (value - column.low) / span:.0f}" if span else "50"

    if record.value is None:
        return ""
    at = place(record.value)
    line = f"M{place(record.ci_low or 0.0)} 4H{place(record.ci_high or 0.0)}" if record.has_interval else ""
    return f"{line}M{at} 0V8"


def spark(values: Sequence[float]) -> str:
    """Path of a curve on a canvas of 240 by 64, thinned to at most 40 points, in whole steps from point to point."""
    if len(values) < 2:
        return ""
    step = -(-len(values) // 40)
    kept = list(values[::step])
    low, high = min(kept), max(kept)
    span = (high - low) or 1.0
    points = [
        (round(4 + 232 * place / (len(kept) - 1)), round(60 - 56 * (value - low) / span))
        for place, value in enumerate(kept)
    ]
    steps = (f"{x - left} {y - top}" for (left, top), (x, y) in pairwise(points))
    return f"M{points[0][0]} {points[0][1]}l{' '.join(steps)}"


def bars(values: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Named values with their share of the largest, in percent."""
    top = max(values.values(), default=0.0)
    return [(name, value, round(100 * value / top, 1) if top > 0 else 0.0) for name, value in values.items()]
