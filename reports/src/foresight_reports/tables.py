"""Cells of the large tables. They are written here and not in a template, since a page has thousands of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from markupsafe import Markup, escape

from foresight_reports import charts, metrics
from foresight_reports.board import Board, Column, Reference, Row
from foresight_reports.grids import encoder_name
from foresight_reports.records import Record

SUMMARY_COLUMNS = 6
"""Columns that a board shows at first; the others are one choice away."""

MOST_ROWS, FIRST_ROWS = 150, 50
"""Rows of a board that stand in the page; of a longer one the first ones do, and the others unfold on demand."""

LOUD = ("random", "nano")
TIED = "<i>≈</i>"

LONGEST, LONGEST_SENTENCE = 400, 2000
"""Characters of a name and of any other text that are shown."""


def raw(record: Record) -> str:
    """Value and interval for downloads and sorting, six digits each."""
    numbers = (record.value, record.ci_low, record.ci_high)
    known = numbers if record.has_interval else numbers[:1]
    # A leading zero says nothing, thousands of times.
    return " ".join(
        "" if value is None else f"{value:.5g}".replace("0.", ".", 1 if abs(value) < 1 else 0) for value in known
    )


def number_cell(row: Row, column: Column, extra: bool, packed: bool = False) -> Markup:
    """One number of a board: linked to its record, its interval written and drawn."""
    record = row.records.get(column.metric)
    kind = ' class="x"' if extra else ""
    if record is None or record.value is None:
        return Markup(f"<td{kind}>\N{EM DASH}")
    written = metrics.write(record.value, record.unit)
    # What sorting and downloads need of a ranked row lies packed beside its table: see ``packed_values``.
    value = "" if packed else f' data-v="{raw(record)}"'
    parts = [f'<td{kind}{value}><a href="#{record.anchor}">{written}</a>']
    if record.has_interval:
        parts.append(f"<small>{metrics.span(record.ci_low, record.ci_high, record.unit)}</small>")
    if column.direction in metrics.MARKS:
        parts.append(f'<svg><path d="{charts.whisker(record, column)}"/></svg>')
    return Markup("".join(parts))


def packed_values(board: Board) -> str:
    """Values with intervals of all ranked rows of a board, for sorting and downloads: a line a row, ``;`` a cell."""
    known = ((row.records.get(column.metric) for column in board.columns) for row in board.rows)
    return "\n".join(";".join("" if r is None or r.value is None else raw(r) for r in records) for records in known)


def ranked_row(
    row: Row, board: Board, tags: Mapping[str, str], name: Callable[[object], Markup] | None = None
) -> Markup:
    """One candidate of a board: rank, name and all numbers.

    Args:
        row: The candidate.
        board: Its table.
        tags: Names its run where there are several.
        name: How a candidate is written; whole where nobody says.
    """
    kind = f' class="w-{row.weights}"' if row.weights in LOUD else ""
    tied = TIED if row.tied and board.judged is None else ""
    if row.letters and len(board.rows) > 1:
        tied = f"<i>{escape(row.letters)}</i>"
    weights = f'<span class="chip {row.weights}">{row.weights}</span>' if row.weights in LOUD else ""
    if row.admission in ("refused", "not checked"):
        why = escape(visible(row.any_record.admission_reason or ""))
        look = "broken" if row.admission == "refused" else "role"
        weights += f' <span class="chip {look}" title="{why}">{row.admission}</span>'
    tag = f' <span class="chip run">{tags[row.pipeline.run]}</span>' if tags else ""
    tokens = f' <span class="chip role">{row.tokens} tokens</span>' if row.tokens and not board.tokens else ""
    written = (name or breakable)(row.pipeline.candidate)
    who = f'<a href="#{row.pipeline.anchor}">{written}</a> {weights}{tokens}{tag}'
    cells = "".join(
        number_cell(row, column, place >= SUMMARY_COLUMNS, packed=True) for place, column in enumerate(board.columns)
    )
    return Markup(f'<tr{kind}><td data-v="{row.rank or ""}">{row.rank or "–"}{tied}<th scope="row">{who}{cells}')


def reference_cell(reference: Reference, column: Column, extra: bool) -> Markup:
    """One number of a floor or ceiling row."""
    kind = ' class="x"' if extra else ""
    value = reference.values.get(column.metric)
    if value is None:
        return Markup(f"<td{kind}>\N{EM DASH}")
    return Markup(f'<td{kind} data-v="{value:.6g}">{metrics.write(value, column.unit)}<small></small>')


def record_row(record: Record) -> Markup:
    """One record in the details of its candidate."""
    unit = f" {metrics.pretty_unit(record.unit)}".rstrip()
    interval = metrics.span(record.ci_low, record.ci_high, record.unit) if record.has_interval else ""
    arrow = f"\N{NO-BREAK SPACE}{metrics.MARKS.get(record.direction, '')}".rstrip()
    n = "" if record.n is None else f"{record.n:,}"
    return Markup(
        f'<tr id="{record.anchor}"><th scope="row">{escape(visible(record.label))}{arrow}'
        f'<td class="v">{metrics.write(record.value, record.unit)}{escape(visible(unit))}<td>{interval}'
        f"<td>{n}<td>{_bound(record.floor, record)}<td>{_bound(record.ceiling, record)}"
    )


def _bound(value: float | None, record: Record) -> str:
    return "" if value is None else metrics.write(value, record.unit)


def axes_of(row: Row) -> str:
    """What the filters compare: encoder, tap, enhancer, fusion, decoder, weights, joined by bars."""
    axes = row.any_record.axes
    names = [encoder_name(row), "+".join(axes.taps), axes.enhancer, axes.fusion, axes.decoder, row.weights]
    return "|".join(name.replace("|", "/") for name in names)


def axis_values(boards: list[Board]) -> list[tuple[str, list[str]]]:
    """Names of the filters with their values; an axis with a single value has no filter."""
    names = ("encoder", "tap", "enhancer", "fusion", "decoder", "weights")
    found: list[set[str]] = [set() for _ in names]
    for board in boards:
        for row in board.rows:
            for values, value in zip(found, axes_of(row).split("|"), strict=True):
                values.add(value)
    return [(name, sorted(values - {""}) if len(values) > 1 else []) for name, values in zip(names, found, strict=True)]


CONTROLS = (*range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, *range(0x80, 0xA0))
DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
HIDDEN = {
    code: f"\N{MATHEMATICAL LEFT ANGLE BRACKET}U+{code:04X}\N{MATHEMATICAL RIGHT ANGLE BRACKET}"
    for code in (*CONTROLS, *DIRECTIONS)
}
"""Control and direction marks become visible: a name must not be able to look like another one."""


def visible(text: object) -> str:
    """The text with control and direction marks written out."""
    return str(text).translate(HIDDEN)


def shown(value: object) -> object:
    """What every expression of a template goes through: no control marks, no endless texts. Markup is done already."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return visible(cut(value, LONGEST_SENTENCE))


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and how long it is."""
    return text if len(text) <= longest else f"{text[:longest]}\N{HORIZONTAL ELLIPSIS} ({len(text):,} characters)"


def whole(text: object) -> Markup:
    """A text that must not be cut, such as a command to be copied."""
    return escape(visible(text))


def isolated(text: object) -> Markup:
    """A name whose writing direction stays its own, cut if huge, without places to break at."""
    return Markup(f"<bdi>{escape(visible(cut(str(text), LONGEST)))}</bdi>")


def breakable(text: object, longest: int = LONGEST) -> Markup:
    """A long name with places to break at, isolated so that its writing direction stays its own, and cut if huge."""
    return _breakable(str(text), longest)


@lru_cache(maxsize=16_384)
def _breakable(text: str, longest: int) -> Markup:
    escaped = str(escape(visible(cut(text, longest))))
    for mark in ("+", "@"):
        escaped = escaped.replace(mark, f"<wbr>{mark}").replace("mAP<wbr>@", "mAP@")
    # A colon inside a name, as in ``pooled4:dinov2``: not the one at the end of a word of a sentence.
    escaped = re.sub(r":(?=\w)", ":<wbr>", escaped)
    return Markup(f"<bdi>{escaped.replace('/', '/<wbr>')}</bdi>")
