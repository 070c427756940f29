"""Heat maps: the best score for each pair of an encoder with an enhancer or a fusion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from foresight_reports import metrics
from foresight_reports.board import Board, Row
from foresight_reports.records import Axes, Record

AXES: Mapping[str, Callable[[Axes], str]] = {"enhancer": lambda axes: axes.enhancer, "fusion": lambda axes: axes.fusion}
"""What encoders are crossed with."""
STEPS = 9
"""Shades of a heat map."""


@dataclass(frozen=True)
class Shade:
    """One cell: the best candidate of its pair, and how many there were."""

    row: Row
    record: Record
    step: int
    candidates: int


@dataclass(frozen=True)
class HeatMap:
    """Encoders by one other axis; a pair that was not run has no shade."""

    board: Board
    axis: str
    encoders: Sequence[str]
    others: Sequence[str]
    cells: Sequence[Sequence[Shade | None]]


def heat_maps(board: Board) -> list[HeatMap]:
    """Heat maps of a board, for each axis with at least two values on both sides."""
    if board.primary.direction not in metrics.MARKS:
        return []
    return [found for axis in AXES if (found := _heat_map(board, axis)) is not None]


def encoder_name(row: Row) -> str:
    """The encoders of a row as one name."""
    return " + ".join(row.any_record.axes.encoders) or row.pipeline.candidate.split("/")[0].split("@")[0]


def _heat_map(board: Board, axis: str) -> HeatMap | None:
    metric = board.primary.metric
    pairs: dict[tuple[str, str], list[Row]] = {}
    for row in board.rows:
        other = AXES[axis](row.any_record.axes)
        if other and row.value(metric) is not None:
            pairs.setdefault((encoder_name(row), other), []).append(row)
    # An encoder that ran with one value of the axis has nothing to compare.
    ran = Counter(encoder for encoder, _ in pairs)
    pairs = {pair: rows for pair, rows in pairs.items() if ran[pair[0]] > 1}
    encoders = sorted({encoder for encoder, _ in pairs})
    others = sorted({other for _, other in pairs})
    if len(encoders) < 2 or len(others) < 2:
        return None
    best: dict[tuple[str, str], Row] = {}
    for pair, rows in pairs.items():
        # Rows of a ranked board come best first; in a broken one the order says nothing, and no best is claimed.
        best[pair] = rows[0]
    values = [row.value(metric) or 0.0 for row in best.values()]
    low, high = min(values), max(values)

    def shade(pair: tuple[str, str]) -> Shade | None:
        row = best.get(pair)
        if row is None:
            return None
        share = 0.5 if high == low else ((row.value(metric) or 0.0) - low) / (high - low)
        if board.primary.direction == "lower":
            share = 1 - share
        return Shade(row, row.records[metric], min(STEPS - 1, int(share * STEPS)), len(pairs[pair]))

    return HeatMap(
        board, axis, encoders, others, [[shade((encoder, other)) for other in others] for encoder in encoders]
    )
