"""One number over many runs as a page: a line with its intervals, its steps, and every point in a table. No scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from foresight_reports.page import asset, environment, source_hash

STYLES = ("base", "tables", "figures", "history", "print")
WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 14, 24
"""Space around the line, in units of the drawing."""


@dataclass(frozen=True)
class Point:
    """A run's number and where it is drawn."""

    row: Mapping[str, Any]
    x: float
    y: float
    low: float
    high: float
    """Ends of the interval where they are drawn; the number itself where it has none."""

    @property
    def title(self) -> str:
        """What a pointer or a screen reader is told."""
        return f"{number(self.row['value'])} at {self.row['sha'][:7]}, {self.row['started']}"


@dataclass(frozen=True)
class Drawing:
    """A series, drawn."""

    points: Sequence[Point]
    ticks: Sequence[tuple[float, str]]
    """Height and text of each line across."""
    steps: Sequence[tuple[float, str]]
    """Place and verdict (``better``, ``worse``) of each change of level."""

    @property
    def line(self) -> str:
        """The points, joined."""
        return " ".join(f"{point.x:.1f},{point.y:.1f}" for point in self.points)

    @property
    def band(self) -> str:
        """Around the intervals, there and back."""
        there = [f"{point.x:.1f},{point.high:.1f}" for point in self.points]
        back = [f"{point.x:.1f},{point.low:.1f}" for point in reversed(self.points)]
        return " ".join([*there, *back])


def number(value: float | None) -> str:
    """A number in four digits, whatever its unit: the index of runs holds none.

    >>> number(0.41234), number(None)
    ('0.4123', '—')
    """
    return "\N{EM DASH}" if value is None else f"{value:.4g}"


def drawn(series: Mapping[str, Any]) -> Drawing:
    """Where the points of a series stand: runs at equal distances, oldest first, the scale from their own ends."""
    rows = series["points"]
    ends = [end for row in rows for end in (row["value"], row["low"], row["high"]) if end is not None]
    least, most = float(min(ends)), float(max(ends))
    if least == most:
        room = abs(least) / 10 or 1.0
        least, most = least - room, most + room
    wide = (WIDTH - LEFT - RIGHT) / max(1, len(rows) - 1)

    def across(place: float) -> float:
        return LEFT + wide * place if len(rows) > 1 else LEFT + (WIDTH - LEFT - RIGHT) / 2

    def up(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (most - value) / (most - least)

    points = []
    for place, row in enumerate(rows):
        low, high = (row[end] if row[end] is not None else row["value"] for end in ("low", "high"))
        points.append(Point(row, across(place), up(row["value"]), up(low), up(high)))
    places = {row["run"]: place for place, row in enumerate(rows)}
    steps = [(across(places[step["run"]] - 0.5), step["verdict"]) for step in series["steps"] if step["run"] in places]
    ticks = [(up(value), number(value)) for value in (least, (least + most) / 2, most)]
    return Drawing(points, ticks, steps)


def write_history(series: Sequence[Mapping[str, Any]], output: Path) -> Path:
    """Write the page and give its path: a pure function of the series, one file that asks nothing of the network.

    Args:
        series: each with ``candidate, suite, dataset, metric, probe, protocol, weights``; with its ``points`` (``run,
            started, sha, machine, fingerprint, direction, value, low, high``); and with its ``steps`` (``before, after,
            verdict, after_commit, by_commit, run``).
        output: The file to write.
    """
    style = "\n".join(asset(f"css/{name}.css") for name in STYLES)
    policy = f"default-src 'none'; form-action 'none'; base-uri 'none'; style-src {source_hash(style)}"
    text = (
        environment()
        .get_template("history.html")
        .render(
            series=[(one, drawn(one)) for one in series],
            number=number,
            style=Markup(style),
            policy=policy,
            size=(WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM),
        )
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8", errors="replace")
    return output
