"""Any conclusion as a table: what a reader without a picture for its kind shows, and what stands below each picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from foresight_reports import metrics
from foresight_reports.analysis.files import Analysis, Cell, Head, Line, Measured
from foresight_reports.analysis.links import Index
from foresight_reports.charts import round_for_page
from foresight_reports.tables import visible

SHOWN = 20
"""Rows that stand in the page as they are; more are packed and unfold on demand."""

LINKED = ("measured", "score", "value", "head", "now")
"""Columns whose number is a record of this run."""

DERIVED = ("effect", "correlation", "gain", "difference")
"""Columns whose number was computed from a whole table of the leaderboard."""

CANDIDATES = ("candidate", "other", "against")
"""Columns that name a candidate."""

STREAMS = ("a", "b", "stream")
"""Columns that name a representation."""

METRICS = ("metric", "proxy", "outcome")
"""Columns whose text is the name of a metric."""

SAID_ONCE = {"proxies": ("sentence",)}
"""Columns that say again in each row what the numbers beside them and the finding above them say."""

CHIPS = {
    **{"GO": "good", "NO-GO": "bad", "INCONCLUSIVE": "warn", "MARGINAL": "warn", "NOT MEASURED": "mute"},
    **{"regressed": "bad", "improved": "good", "within noise": "mute", "identical": "mute", "not compared": "warn"},
    **{"better": "good", "worse": "bad", "not told apart": "mute", "not told apart: one seed": "warn"},
}
"""Verdict words with the colour of their chip."""


@dataclass(frozen=True)
class Grid:
    """A table ready for the page: ``rest`` are the rows that are packed."""

    id: str
    heads: Sequence[Head]
    numeric: Sequence[bool]
    widths: Sequence[str]
    shown: Sequence[Markup]
    rest: Sequence[Markup]

    @property
    def total(self) -> int:
        """How many rows there are."""
        return len(self.shown) + len(self.rest)


def build(analysis: Analysis, index: Index, lines: Sequence[Line] | None = None, name: str = "") -> Grid:
    """The table of a conclusion, or of some of its lines.

    Args:
        analysis: What is shown.
        index: Finds the records behind the numbers.
        lines: The rows, all of the analysis by default.
        name: What sets this table's id apart where an analysis has several.
    """
    rows = analysis.rows if lines is None else lines
    silent = SAID_ONCE.get(analysis.kind, ())
    columns = [head for head in analysis.columns if head.key not in silent]
    heads = [head for head in columns if any(row.get(head.key) is not None for row in rows)]
    numeric = [any(isinstance(row.get(head.key), Measured | float) for row in rows) for head in heads]
    words = [place for place, number in enumerate(numeric) if not number]
    # A row is named by its candidate where it has one, else by its first text.
    first = next((place for place in words if heads[place].key == "candidate"), words[0] if words else 0)
    written = [_row(row, heads, numeric, first, index) for row in rows]
    widths = [_width(head, rows, index.suites.label) for head in heads]
    return Grid(f"t-{analysis.anchor}{name}", heads, numeric, widths, written[:SHOWN], written[SHOWN:])


def _width(head: Head, rows: Sequence[Line], label: Callable[[str], str]) -> str:
    """A class that keeps names whole: how wide a column is for its longest word, empty where it is short or endless."""
    if head.key == "candidate":
        return ""
    if head.key in CANDIDATES:
        return "ch24"
    texts = [value for row in rows if isinstance(value := row.get(head.key), str) and value not in CHIPS]
    words = (word for text in texts for word in (label(text) if head.key in METRICS else text).split())
    longest = max(map(len, words), default=0)
    # A sentence reads badly in a column of one word.
    longest = max(longest, 20) if any(len(text) > 60 for text in texts) else longest
    return next((f"ch{width}" for width in (14, 18, 24) if 10 <= longest <= width), "")


def _row(row: Line, heads: Sequence[Head], numeric: Sequence[bool], first: int, index: Index) -> Markup:
    cells = []
    for place, head in enumerate(heads):
        value = row.get(head.key)
        tag = 'th scope="row"' if place == first else "td"
        if numeric[place]:
            anchor = index.anchor(row, head.key) if head.key in LINKED else ""
            cells.append(_number(value, head, index.board(row) if head.key in DERIVED else anchor, index))
        elif isinstance(value, str) and (anchor := _named_by(head.key, value, index)):
            cells.append(f'<{tag}><a href="#{anchor}">{index.name(value)}</a>')
        else:
            named = head.key in METRICS and isinstance(value, str)
            cells.append(
                f"<{tag}>{_text(index.suites.label(value) if named and isinstance(value, str) else value, index)}"
            )
    return Markup(f"<tr>{''.join(cells)}")


def _named_by(key: str, name: str, index: Index) -> str:
    """Anchor of the candidate that a cell names, by its own name or by its representation; empty for other texts."""
    return index.candidate(name) if key in CANDIDATES else index.stream(name) if key in STREAMS else ""


def _text(value: Cell, index: Index) -> str:
    if value is None:
        return "\N{EM DASH}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        tone = CHIPS.get(value)
        return f'<span class="chip {tone}">{escape(value)}</span>' if tone else str(index.name(value, 2000))
    return str(value)


def _number(value: Cell, head: Head, anchor: str, index: Index) -> str:
    """A number with its interval; a text in a column of numbers stands as it is."""
    if not isinstance(value, Measured | float) or isinstance(value, bool):
        return f'<td class="num">{_text(value, index)}'
    known = value if isinstance(value, Measured) else Measured(value)
    if known.value is None:
        return '<td class="num">\N{EM DASH}'
    # Floats that are whole numbers, such as sample counts, are written as such.
    whole = isinstance(value, float) and value == int(value) and not head.unit
    written = f"{int(value):,}" if whole and isinstance(value, float) else metrics.write(known.value, head.unit)
    numbers = [known.value, known.low, known.high] if known.has_interval else [known.value]
    raw = " ".join(f"{round_for_page(each)}" for each in numbers)
    link = f'<a href="#{anchor}">{written}</a>' if anchor else written
    small = f"<small>{metrics.span(known.low, known.high, head.unit)}</small>" if known.has_interval else ""
    said = f"{known.n:,} samples" if known.n is not None else ""
    said += f", {known.method.replace('_', ' ')}" if known.method and said else ""
    hint = f' title="{escape(visible(said))}"' if said else ""
    return f'<td class="num" data-v="{raw}"{hint}>{link}{small}'
