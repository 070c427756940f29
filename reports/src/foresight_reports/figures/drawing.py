"""The drawing itself: plain matplotlib, quiet axes, the page's colours, no text read as markup."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from foresight_reports.analysis.similarity import Matrix
from foresight_reports.board import Board
from foresight_reports.tables import cut, visible

COLOURS = ("#0b6bb3", "#c2500a", "#0a7d5f", "#a4437f", "#7d6200", "#5a4fcf", "#2d7f8f", "#6b7076")
SYMBOLS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "times": "x", "star": "*"}
TONES = {"good": "#0a6b4b", "bad": "#a3261f", "mute": "#4a525c"}
STYLE: dict[Any, Any] = {
    "font.size": 8,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 7,
    # Names of candidates and data sets are not formulas.
    "text.parse_math": False,
    "svg.hashsalt": "foresight",
    "svg.fonttype": "path",
}
LONGEST, LINES = 70, 8


def save(draw: Callable[[Any], None], output: Path) -> None:
    """Draw on a fresh figure and write it, with nothing of the moment or the machine in the file."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(7, 3.6), layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        kind = output.suffix.lower()
        metadata: dict[str, Any] = {".png": {"Software": None}, ".pdf": {"CreationDate": None}}.get(
            kind, {"Date": None}
        )
        figure.savefig(output, metadata=metadata, dpi=200)


def text(value: object) -> str:
    """A name as it is drawn: on one line, without hidden marks, cut where it is too long."""
    return cut(visible(" ".join(str(value).split())), LONGEST)


def _title(figure: Any, title: str) -> None:
    figure.suptitle(text(title), x=0.01, horizontalalignment="left", fontsize=9, fontweight="bold")


def _axes(figure: Any, title: str, label: Mapping[str, Any] | None = None, rows: int = 0) -> Any:
    if rows:
        figure.set_size_inches(7, 1.1 + 0.27 * rows)
    axes = figure.subplots()
    _title(figure, title)
    axes.grid(axis="x" if rows else "y", color="#dfe2e5", linewidth=0.6)
    axes.set_axisbelow(True)
    if label:
        unit = f" ({label['unit']})" if label["unit"] else ""
        better = {"higher": ", higher is better", "lower": ", lower is better"}.get(str(label["direction"]), "")
        (axes.set_xlabel if rows else axes.set_ylabel)(text(f"{label['name']}{unit}") + better)
    return axes


def _interval(axes: Any, row: float, value: float, low: float | None, high: float | None, colour: str) -> None:
    if low is not None and high is not None:
        axes.plot([low, high], [row, row], color=colour, linewidth=1, zorder=2)


def strips(figure: Any, chart: Mapping[str, Any], title: str) -> None:
    """Rows of values with intervals: audit, proxies, attribution."""
    rows, tones = chart["rows"], chart["tones"]
    axes = _axes(figure, title, chart["x"], len(rows))
    for row, low, high, tone in chart["spans"]:
        axes.plot([low, high], [row, row], color=TONES[tone], alpha=0.22, linewidth=6, solid_capstyle="butt", zorder=1)
    if chart.get("band"):
        axes.axvspan(*chart["band"], color="#dfe2e5", linewidth=0)
    for value, _ in chart["rules"]:
        axes.axvline(value, color="#4a525c", linewidth=0.8, linestyle=(0, (3, 3)))
    for place, kind in enumerate(chart["kinds"]):
        mine = [point for point in chart["points"] if point[1] == place]
        if kind is None or not mine:
            continue
        colour = COLOURS[kind["colour"]]
        for row, _, value, low, high, *_ in mine:
            _interval(axes, row, value, low, high, colour)
        axes.scatter(
            [point[2] for point in mine],
            [point[0] for point in mine],
            marker=SYMBOLS[kind["symbol"]],
            color=colour,
            s=20,
            label=kind["name"],
            zorder=3,
        )
    axes.set_yticks(range(len(rows)), [text(f"{name}: {note}" if note else name) for name, note in rows])
    for label, tone in zip(axes.get_yticklabels(), tones, strict=True):
        label.set_color(TONES.get(tone, "#15181c"))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    if chart.get("domain"):
        axes.set_xlim(*chart["domain"])
    figure.legend(loc="outside lower center", ncols=5)


def depth(figure: Any, chart: Mapping[str, Any], title: str) -> None:
    """Scores over relative depth with their bands; a ring marks the tap that was chosen."""
    axes = _axes(figure, title, chart["y"])
    for place, name in enumerate(chart["lines"]):
        mine = [point for point in chart["points"] if point[0] == place]
        x, y = [point[1] for point in mine], [point[2] for point in mine]
        axes.plot(x, y, color=COLOURS[place % 8], marker="o", markersize=3, linewidth=1.4, label=text(name))
        if all(point[3] is not None and point[4] is not None for point in mine):
            low, high = [point[3] for point in mine], [point[4] for point in mine]
            axes.fill_between(x, low, high, color=COLOURS[place % 8], alpha=0.12, linewidth=0)
        chosen = [point for point in mine if point[7]]
        axes.scatter(
            [p[1] for p in chosen], [p[2] for p in chosen], s=40, facecolors="none", edgecolors="#15181c", zorder=4
        )
    axes.set_xlabel("relative depth (rings: the tap that one half of the samples chose)")
    axes.legend()


def curves(figure: Any, found: Mapping[str, Any]) -> None:
    """One number over one choice, a line a candidate, its intervals as bars; what is beyond the colours stays out."""
    label = {"name": found["metric"], "unit": found["unit"], "direction": found["direction"]}
    over = found["over"]
    axes = _axes(figure, f"{found['suite']} {found['metric']} on {found['dataset']} over {over['label']}", label)
    shown = found["curves"][: len(COLOURS)]
    for colour, line in zip(COLOURS, shown, strict=False):
        points = line["points"]
        x, y = [point["x"] for point in points], [point["value"] for point in points]
        axes.plot(x, y, color=colour, marker="o", markersize=3, linewidth=1.4, label=text(line["candidate"]))
        for point in points:
            if point["low"] is not None and point["high"] is not None:
                axes.plot([point["x"]] * 2, [point["low"], point["high"]], color=colour, linewidth=1)
    places = sorted({point["x"] for line in shown for point in line["points"]})
    if places[0] > 0 and places[-1] / places[0] >= 4:
        axes.set_xscale("log")
    axes.set_xticks(places, [f"{place:,.0f}" for place in places])
    axes.minorticks_off()
    left = len(found["curves"]) - len(shown)
    axes.set_xlabel(
        text(f"{over['label']} ({over['unit']})" + (f"; {left} more candidates are not drawn" if left else ""))
    )
    axes.legend()


def tokens(figure: Any, chart: Mapping[str, Any], title: str) -> None:
    """A map of tokens by class. Distances carry no meaning, so the axes have no numbers."""
    axes = _axes(figure, title)
    for place, name in enumerate(chart["classes"]):
        mine = [point for point in chart["points"] if point[2] == place]
        axes.scatter([p[0] for p in mine], [p[1] for p in mine], s=5, color=COLOURS[place % 8], label=text(name))
    axes.set(xticks=[], yticks=[])
    axes.set_xlabel("distances carry no meaning")
    if 0 < len(chart["classes"]) <= LINES:
        axes.legend()


def matrix(figure: Any, matrix: Matrix) -> None:
    """Similarity of all pairs; a dot marks a pair within its null."""
    size = max(len(matrix.rows), len(matrix.columns))
    figure.set_size_inches(2.6 + 0.42 * size, 2 + 0.42 * size)
    axes = figure.subplots()
    _title(figure, f"{matrix.estimator.replace('_', ' ').replace('cka', 'CKA')} on {matrix.dataset}")
    values = [[float("nan") if pair is None else pair.measured.value for pair in line] for line in matrix.cells]
    drawn = axes.imshow(values, cmap="Blues", vmin=0, vmax=1)
    for row, line in enumerate(matrix.cells):
        for column, pair in enumerate(line):
            if pair is not None and pair.clear is False:
                axes.plot(column, row, marker=".", color="#a3261f")
    axes.set_yticks(range(len(matrix.rows)), [text(name) for name in matrix.rows])
    axes.set_xticks(range(len(matrix.columns)), [text(name) for name in matrix.columns], rotation=60, ha="right")
    figure.colorbar(drawn, shrink=0.7)


def tradeoff(figure: Any, chart: Mapping[str, Any], names: Sequence[Sequence[str]], title: str) -> None:
    """Quality against latency with the front; hollow marks have random or nano weights."""
    axes = _axes(figure, title, chart["y"])
    encoders = list(dict.fromkeys(names[point[0]][2] for point in chart["points"]))
    for place, encoder in enumerate(encoders):
        mine = [point for point in chart["points"] if names[point[0]][2] == encoder]
        colour = COLOURS[min(place, 7)]
        fill = ["none" if names[point[0]][3] in ("random", "nano") else colour for point in mine]
        label = text(encoder) if place < LINES else None
        axes.scatter([p[1] for p in mine], [p[2] for p in mine], s=18, facecolors=fill, edgecolors=colour, label=label)
    front = [point for point in chart["points"] if point[5]]
    axes.step([p[1] for p in front], [p[2] for p in front], where="post", color="#15181c", linewidth=1, label="front")
    times = [point[1] for point in chart["points"] if point[1]]
    if times and min(times) > 0 and max(times) / min(times) > 4:
        axes.set_xscale("log")
    unit = f" ({chart['x']['unit']})" if chart["x"]["unit"] else ""
    axes.set_xlabel(text(f"{chart['x']['name']}{unit}, lower is better; hollow: random or nano weights"))
    axes.legend()


def leaderboard(figure: Any, board: Board) -> None:
    """The best candidates of a board with intervals, floor and ceiling; hollow marks have random or nano weights."""
    column = board.primary
    rows = [row for row in board.rows if row.value(column.metric) is not None][:20]
    label = {"name": column.label, "unit": column.unit if len(column.unit) < 8 else "", "direction": column.direction}
    axes = _axes(figure, board.title, label, len(rows))
    for place, row in enumerate(rows):
        record = row.records[column.metric]
        value = record.value or 0.0
        _interval(axes, place, value, record.ci_low, record.ci_high, COLOURS[0])
        fill = "white" if row.weights in ("random", "nano") else COLOURS[0]
        axes.scatter([value], [place], s=20, facecolors=fill, edgecolors=COLOURS[0], zorder=3)
    for reference in board.references:
        end = reference.values.get(column.metric)
        if end is not None:
            axes.axvline(end, color="#4a525c", linewidth=0.8, linestyle=(0, (3, 3)))
            axes.annotate(text(reference.role), (end, -0.5), rotation=90, va="top", ha="right", color="#4a525c")
    axes.set_yticks(range(len(rows)), [text(row.pipeline.candidate) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
