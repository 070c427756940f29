"""Quality against latency: which candidates nobody beats on both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foresight_reports import metrics
from foresight_reports.board import Board, Column, Pipeline, Row
from foresight_reports.records import Record


@dataclass(frozen=True)
class Point:
    """A candidate with both numbers."""

    row: Row
    quality: Record
    latency: Record
    front: bool


@dataclass(frozen=True)
class Tradeoff:
    """One board's primary metric against latency, points by rising latency."""

    board: Board
    column: Column
    latency: Column
    points: Sequence[Point]
    real_only: bool

    @property
    def front(self) -> list[Point]:
        """The points that no other one beats on both axes."""
        return [point for point in self.points if point.front]


def front_of(pairs: Sequence[tuple[float, float]], direction: str) -> list[bool]:
    """Which of (cost, quality) no other pair beats: lower cost and better quality, ties kept.

    >>> front_of([(1.0, 0.2), (2.0, 0.1), (2.0, 0.5)], "higher")
    [True, False, True]
    """
    order = sorted(
        range(len(pairs)), key=lambda i: (pairs[i][0], -pairs[i][1] if direction == "higher" else pairs[i][1])
    )
    kept = [False] * len(pairs)
    best: float | None = None
    best_cost: float | None = None
    for index in order:
        cost, quality = pairs[index]
        if best is None or metrics.better(direction, quality, best) or (cost, quality) == (best_cost, best):
            kept[index] = True
            best, best_cost = quality, cost
    return kept


def tradeoffs(boards: Sequence[Board]) -> list[Tradeoff]:
    """Every ranked quality board against the latency of the same candidate on the same run."""
    times: dict[tuple[str, str], tuple[Record, Column]] = {}
    for board in boards:
        for metric in reversed(metrics.LATENCY):
            column = next((c for c in board.columns if c.metric == metric), None)
            if column is None:
                continue
            for row in board.rows:
                if row.value(metric) is not None:
                    times[row.pipeline.run, row.pipeline.candidate] = (row.records[metric], column)
    found = []
    for board in boards:
        if board.primary.metric in metrics.LATENCY or board.broken or board.primary.direction not in metrics.MARKS:
            continue
        joined = [
            (row, row.records[board.primary.metric], *times[_key(row.pipeline)])
            for row in board.rows
            if row.value(board.primary.metric) is not None and _key(row.pipeline) in times
        ]
        if len(joined) >= 3:
            found.append(_tradeoff(board, joined))
    return found


def _key(pipeline: Pipeline) -> tuple[str, str]:
    return (pipeline.run, pipeline.candidate)


def _tradeoff(board: Board, joined: Sequence[tuple[Row, Record, Record, Column]]) -> Tradeoff:
    trained = [row.weights not in ("random", "nano") for row, *_ in joined]
    real_only = any(trained)
    eligible = [i for i, real in enumerate(trained) if real or not real_only]
    pairs = [(joined[i][2].value or 0.0, joined[i][1].value or 0.0) for i in eligible]
    kept = dict(zip(eligible, front_of(pairs, board.primary.direction), strict=True))
    points = [Point(row, q, t, kept.get(i, False)) for i, (row, q, t, _) in enumerate(joined)]
    points.sort(key=lambda point: (point.latency.value or 0.0, point.row.pipeline))
    return Tradeoff(board, board.primary, joined[0][3], points, real_only)
