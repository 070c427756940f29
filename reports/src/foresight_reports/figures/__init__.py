"""Figures for papers and README: one chart of a run as SVG or PNG, drawn by matplotlib from what the page draws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from foresight_reports.errors import FigureError

__all__ = ["figure_names", "write_figure"]

FORMATS = (".svg", ".png", ".pdf")
ALL_POINTS = 10_000
"""Of a map of tokens: a page draws fewer, because each of them can be reached by keyboard."""


def figure_names(run: Path) -> list[str]:
    """Names of the figures that a run can give, such as ``audit`` or ``layers-2``."""
    return list(_drawings(run))


def write_figure(run: Path, name: str, output: Path) -> Path:
    """Draw one figure of a run and give its path: the same run gives the same bytes.

    Args:
        run: The run folder.
        name: One of ``figure_names(run)``.
        output: The file to write; its ending says in which format.

    Raises:
        FigureError: when the run has no such figure, or the format is not known.
        RunFolderError: when the folder cannot be read.
    """
    from foresight_reports.figures.drawing import save

    if output.suffix.lower() not in FORMATS:
        raise FigureError(f"{output} has no known format; end its name in {', '.join(FORMATS)}.")
    drawings = _drawings(run)
    if name not in drawings:
        known = ", ".join(drawings) or "none at all"
        raise FigureError(f"This run has no figure {name!r}. It has: {known}.")
    draw = drawings[name]
    output.parent.mkdir(parents=True, exist_ok=True)
    save(draw, output)
    return output


def _drawings(run: Path) -> dict[str, Callable[[Any], None]]:
    """Figures by name, each as a function that draws on a matplotlib figure."""
    from functools import partial

    from foresight_reports import charts
    from foresight_reports.analysis.sections import conclude
    from foresight_reports.boards import build_boards
    from foresight_reports.figures import drawing
    from foresight_reports.pareto import tradeoffs
    from foresight_reports.reading import read_run
    from foresight_reports.refusals import told_apart

    read = read_run(Path(run))
    boards = told_apart(build_boards([read]), [read])
    found: dict[str, Callable[[Any], None]] = {}

    def add(kind: str, place: int, draw: Callable[[Any], None]) -> None:
        found[kind if place == 0 else f"{kind}-{place + 1}"] = draw

    for i, board in enumerate(board for board in boards if board.leader is not None):
        add("leaderboard", i, partial(drawing.leaderboard, board=board))
    names = charts.Names()
    for i, each in enumerate(tradeoffs(boards)):
        data = charts.tradeoff_data(each, names)
        add("tradeoff", i, partial(drawing.tradeoff, chart=data, names=names.rows, title=each.board.title))
    views = conclude(read, points=ALL_POINTS)
    for i, audit in enumerate(views.audits):
        title = "Which probe can see where things are" + (f", on {audit.dataset}" if audit.dataset else "")
        add("audit", i, partial(drawing.strips, chart=views.charts[f"audit-{i}"], title=title))
    for i, depth in enumerate(views.depths):
        add("layers", i, partial(drawing.depth, chart=views.charts[f"layers-{i}"], title=depth.title))
    for i, matrix in enumerate(views.matrices):
        add("similarity", i, partial(drawing.matrix, matrix=matrix))
    for i, tokens in enumerate(views.maps):
        add("embeddings", i, partial(drawing.tokens, chart=views.charts[f"tokens-{i}"], title=tokens.title))
    for kind, parts in views.strips.items():
        for i, part in enumerate(parts):
            add(kind, i, partial(drawing.strips, chart=part.chart, title=part.title))
    return found
