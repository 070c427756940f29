"""The page: everything that was read, in one file that needs nothing else."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from foresight_reports import captions, charts, metrics, tables
from foresight_reports.analysis.gates import TONES
from foresight_reports.analysis.sections import conclude
from foresight_reports.analysis.ties import judged
from foresight_reports.board import Board
from foresight_reports.boards import build_boards
from foresight_reports.brief.naming import WHOLE, Names
from foresight_reports.brief.pairs import pairs
from foresight_reports.brief.silence import silence
from foresight_reports.brief.warnings import FAILURE_WORDS
from foresight_reports.comparison import comparisons
from foresight_reports.details import candidates
from foresight_reports.gallery import galleries
from foresight_reports.grids import STEPS, heat_maps
from foresight_reports.outcomes import failures_of_cells, outcome_sentence
from foresight_reports.pareto import tradeoffs
from foresight_reports.pictures import PictureStore
from foresight_reports.profiles import by_encoder, profiles
from foresight_reports.reading import Run, suites_of
from foresight_reports.refusals import refusals, told_apart
from foresight_reports.suites import BEFORE, Suites
from foresight_reports.verdict import SENTENCE_END, judge, quoted_of

ASSETS = Path(__file__).parent / "assets"
STYLES = ("base", "verdict", "folds", "tables", "figures", "analysis", "samples", "details", "print")
SCRIPTS = ("packed", "tables", "copying", "page", "kit", "charts", "strips", "drawing", "pictures", "pairs")
LINES = 6
"""Lines of one layer profile: more are a tangle."""

HARMLESS = str.maketrans("<>&", ".,:")
"""Letters of base 85 that HTML would take for its own, with ones that stand for them."""

UNPACKED = 60
"""Candidates whose details stand in the page as they are; more are packed and unfold when they are opened."""

CHARTS_SHOWN = 6
"""Boards that get charts of their own: a run with dozens of boards is read by table."""


def build_page(
    runs: Sequence[Run], store: PictureStore, links: Sequence[str], made: Sequence[Mapping[str, Any]] = ()
) -> str:
    """The whole page.

    Args:
        runs: The run that the page is about, then the ones it is compared with.
        store: Where pictures go.
        links: For each run, how its folder is reached from the page, ``""`` or ending in a slash.
        made: The harness's comparison with each further run.
    """
    context = _context(runs, store, links, made)
    head_script, script, style = asset("js/theme.js"), _script(), _style()
    chart_style = asset("vendor/plot/inline-style.css")
    writer = environment(suites_of(runs), context["names"])
    packed = _packed(writer, context)
    if not store.inline:
        # A classic script, which a browser also takes from a file beside the page.
        store.files["data.js"] = f"window.packedParts = {json.dumps(packed, separators=(',', ':'))};\n".encode()
    beside = "" if store.inline else "'self' file: "
    policy = (
        "default-src 'none'; connect-src 'none'; form-action 'none'; base-uri 'none'; "
        f"script-src {beside}{source_hash(head_script)} {source_hash(script)}; "
        f"style-src {source_hash(style)} {source_hash(chart_style)}; "
        f"img-src {'data:' if store.inline else chr(39) + 'self' + chr(39) + ' data: file:'}"
    )
    return writer.get_template("page.html").render(
        **context,
        packed=packed if store.inline else {},
        policy=policy,
        head_script=Markup(head_script),
        script=Markup(script),
        style=Markup(style),
    )


def _context(
    runs: Sequence[Run], store: PictureStore, links: Sequence[str], made: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    boards = judged(told_apart(build_boards(runs), runs), runs[0].name, runs[0].analyses.get("rankings"))
    refused = refusals(boards, runs)
    heard = silence(runs[0].analyses, boards)
    short = Names(row.pipeline.candidate for board in boards for row in (*board.rows, *board.controls))
    drawn = [board for board in boards if not board.broken and not board.timed][: 4 * CHARTS_SHOWN]
    drawn = drawn if heard.pictures else []
    scatter = tradeoffs(boards)[:CHARTS_SHOWN] if heard.pictures else []
    depth = [group for board in drawn for group in by_encoder(profiles(board))][: CHARTS_SHOWN + 2]
    aligned = [(board, rows) for board in drawn if len(rows := charts.alignment_rows(board)) >= 3][:CHARTS_SHOWN]
    maps = [each for board in drawn for each in heat_maps(board)][: 2 * CHARTS_SHOWN]
    tags = {run.name: chr(ord("A") + place % 26) for place, run in enumerate(runs)}
    names = charts.Names(tags if len(runs) > 1 else None)
    found = conclude(runs[0], boards, heard.analyses, short.breakable)
    beside = pairs(boards, runs[0].name, {**runs[0].analyses, **found.analyses}, short)
    everyone = candidates(runs, boards)
    shown = {column.family for board in boards for column in board.columns}
    chart_data: dict[str, Any] = {
        **{f"tradeoff-{i}": charts.tradeoff_data(each, names) for i, each in enumerate(scatter)},
        **{f"profile-{i}": charts.profile_data(each[:LINES], names) for i, each in enumerate(depth)},
        **{f"alignment-{i}": charts.alignment_data(board, rows, names) for i, (board, rows) in enumerate(aligned)},
    }
    chart_data |= {"candidates": names.rows, **found.charts}
    mine = [board for board in boards if not board.broken]
    return {
        "runs": runs,
        "run": runs[0],
        "links": dict(zip((run.name for run in runs), links, strict=True)),
        "tags": tags,
        "sampled": {cell for run in runs for cell in run.sampled},
        "users": _users(boards),
        "verdict": judge(runs, boards, refused, found.gates),
        "found": found,
        "tones": TONES,
        "boards": boards,
        "first": quoted_of(mine) or (boards[0] if boards else None),
        "names": short,
        "left_out": heard.sentence,
        "pairs": beside,
        "refused": refused,
        "families": [name for name in (*suites_of(runs).families, "others") if name in shown],
        "filters": tables.axis_values(boards),
        "tradeoffs": scatter,
        "profile_groups": [group[:LINES] for group in depth],
        "profile_counts": [len(group) for group in depth],
        "alignments": [(board, rows, rows[: charts.ALIGNMENT_ROWS]) for board, rows in aligned],
        "heat_maps": maps,
        "galleries": galleries(runs[0], boards, store),
        "store": store,
        "candidates": everyone,
        "folded": len(everyone) > UNPACKED,
        "failed": [(run, record) for run in runs for record in failures_of_cells(run.records)],
        "outcomes": outcome_sentence(runs[0]),
        "comparisons": comparisons(runs, made),
        "protocols": {d: c for run in reversed(runs) for d, c in run.section("protocols").items()},
        "chart_data": chart_data,
        "steps": STEPS,
    }


def _users(boards: Sequence[Board]) -> dict[str, list[Board]]:
    """The boards that each protocol stands behind."""
    found: dict[str, list[Board]] = {}
    for board in boards:
        found.setdefault(board.group.protocol, []).append(board)
    return found


def _packed(writer: Environment, context: Mapping[str, Any]) -> dict[str, str]:
    """What unfolds on demand, compressed: charts, rows of long tables, and details of very many candidates."""
    parts = {"charts": island(context["chart_data"]), **context["found"].packed}
    if context["pairs"]:
        parts["pairs"] = island(context["pairs"])
    tags = context["tags"] if len(context["runs"]) > 1 else {}
    name = context["names"].breakable
    for board in context["boards"]:
        parts[f"{board.anchor}-values"] = tables.packed_values(board)
        if len(board.rows) > tables.MOST_ROWS:
            rest = (tables.ranked_row(row, board, tags, name) for row in board.rows[tables.FIRST_ROWS :])
            parts[f"{board.anchor}-table"] = "".join(rest)
    if context["folded"]:
        template = writer.get_template("candidate.html")
        inside = {each.anchor: template.render(**context, each=each) for each in context["candidates"]}
        parts["candidates"] = json.dumps(inside, ensure_ascii=False, separators=(",", ":"))
    return {name: _deflated(part) for name, part in parts.items()}


def _deflated(written: str) -> str:
    """A part as text: deflated, in base 85 (five letters for four bytes), with no letter that is special in HTML."""
    return base64.b85encode(zlib.compress(written.encode("utf-8", "replace"), 9)).decode().translate(HARMLESS)


class CompiledOnce(BytecodeCache):
    """Templates as they were compiled for an earlier page of this process: most of a small page's time."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket, where its template is here and its source is still the same."""
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = CompiledOnce()


def environment(suites: Suites = BEFORE, names: Names = WHOLE) -> Environment:
    """How templates are filled: everything is escaped, hidden marks are shown, metrics called as their suites say.

    Args:
        suites: What a reader calls metrics.
        names: What a reader calls candidates.
    """
    made = Environment(
        loader=PackageLoader("foresight_reports"),
        bytecode_cache=COMPILED,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=tables.shown,
    )
    made.globals.update(
        captions=captions,
        number_cell=tables.number_cell,
        reference_cell=tables.reference_cell,
        record_row=tables.record_row,
        ranked_row=partial(tables.ranked_row, name=names.breakable),
        lead_of=lead_of,
        most_rows=tables.MOST_ROWS,
        first_rows=tables.FIRST_ROWS,
        axes_of=tables.axes_of,
        label=suites.label,
        write=metrics.write,
        span=metrics.span,
        short=charts.round_for_page,
        summary_columns=tables.SUMMARY_COLUMNS,
        failure_words=FAILURE_WORDS,
    )
    made.filters.update(
        name=names.breakable,
        whole_name=tables.isolated,
        whole=tables.whole,
        unit=metrics.pretty_unit,
        pretty=_pretty,
        metrics_named=suites.named,
    )
    return made


def lead_of(text: str) -> tuple[str, str]:
    """The first sentence of a finding, for a heading, and what follows it."""
    first, *rest = SENTENCE_END.split(text, maxsplit=1)
    return first, rest[0] if rest else ""


def _pretty(value: object) -> str:
    """A manifest value as text: nothing in words, a list of plain values without its brackets."""
    if value is None or value == [] or value == {}:
        return "not set" if value is None else "none"
    if isinstance(value, list) and value and all(isinstance(each, str | int | float) for each in value):
        return ", ".join(str(each) for each in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def island(data: Mapping[str, Any]) -> str:
    """JSON that can stand inside a script element: no ``<``, no line separators, and no hidden marks.

    >>> island({"a": "</script>"})
    '{"a":"\\\\u003c/script\\\\u003e"}'
    """
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    written = tables.visible(written)
    for letter in "<>&\u2028\u2029":
        written = written.replace(letter, f"\\u{ord(letter):04x}")
    return written


def asset(name: str) -> str:
    """The text of a file of the package."""
    return (ASSETS / name).read_text(encoding="utf-8")


def _style() -> str:
    return "\n".join(asset(f"css/{name}.css") for name in STYLES)


def _script() -> str:
    """Without indentation, of which a page of many candidates has no byte to spare; no text of ours spans two lines."""
    own = (line.strip() for name in SCRIPTS for line in asset(f"js/{name}.js").splitlines())
    return "\n".join([asset("vendor/plot/plot.min.js"), *own])


def source_hash(source: str) -> str:
    """What a content security policy calls a script or a style that may run."""
    return f"'sha256-{base64.b64encode(sha256(source.encode()).digest()).decode()}'"
