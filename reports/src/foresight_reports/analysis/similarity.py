"""Pairs of representations as a matrix; a value within its null is no similarity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foresight_reports.analysis.files import Analysis, Line, Measured, amount, quantity, said
from foresight_reports.analysis.links import ordered
from foresight_reports.grids import STEPS

LARGEST = 40
"""Rows and columns of a matrix that is drawn; the table has all pairs."""


@dataclass(frozen=True)
class Pair:
    """One cell: ``clear`` says whether its interval lies above the null's 95th percentile, None without a null."""

    measured: Measured
    p95: float | None
    clear: bool | None
    step: int


@dataclass(frozen=True)
class Matrix:
    """All pairs of one data set and estimator."""

    dataset: str
    estimator: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Sequence[Pair | None]]

    @property
    def sentence(self) -> str:
        """How many pairs stand clear of their nulls, and which is the most alike."""
        flat = [
            (pair, row, column)
            for row, line in zip(self.rows, self.cells, strict=True)
            for column, pair in zip(self.columns, line, strict=True)
            if pair is not None and row != column
        ]
        # A square holds each pair twice, as one object.
        flat = list({id(pair): (pair, row, column) for pair, row, column in reversed(flat)}.values())[::-1]
        known = [pair.clear for pair, _, _ in flat if pair.clear is not None]
        text = f"{sum(known)} of {len(known)} pairs stand clear of the permutation null (95th percentile)."
        if flat:
            top, row, column = max(flat, key=lambda item: item[0].measured.value or 0.0)
            text += f" Most alike: {row} and {column}, {top.measured.value:.2f}."
        return text


def matrices(analysis: Analysis) -> list[Matrix]:
    """One matrix a data set and estimator."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in analysis.rows:
        if quantity(line, "measured").value is not None:
            groups.setdefault((said(line, "dataset"), said(line, "estimator")), []).append(line)
    return [_matrix(*key, lines) for key, lines in groups.items()]


def _matrix(dataset: str, estimator: str, lines: Sequence[Line]) -> Matrix:
    left = ordered([said(line, "a") for line in lines])
    right = ordered([said(line, "b") for line in lines])
    # Pairs of one set of representations are a square: both halves of it are filled.
    same = len(set(left) & set(right)) > 0
    if same:
        left = right = ordered([*left, *right])
    pairs: dict[tuple[str, str], Pair] = {}
    for line in lines:
        value, p95 = quantity(line, "measured"), amount(line, "null_p95")
        bound = value.low if value.low is not None else value.value
        share = min(1.0, max(0.0, value.value or 0.0))
        clear = None if p95 is None or bound is None else bound > p95
        pair = Pair(value, p95, clear, min(STEPS - 1, int(share * STEPS)))
        pairs[said(line, "a"), said(line, "b")] = pair
        if same:
            pairs.setdefault((said(line, "b"), said(line, "a")), pair)
    rows, columns = left[:LARGEST], right[:LARGEST]
    return Matrix(dataset, estimator, rows, columns, [[pairs.get((a, b)) for b in columns] for a in rows])
