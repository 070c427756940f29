"""How much a fusion attends to each stream, query by query, as small maps inside a candidate's details. No scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foresight_reports import metrics
from foresight_reports.records import number

STEPS = 10
"""Shades of a map, from nothing to all."""
MOST_CELLS = 4096
"""Queries of one map; a run's own have at most 128."""


@dataclass(frozen=True)
class ShareMap:
    """One stream on one picture: a cell is a query, the darker the more of the stream it reads."""

    words: str
    sentence: str
    """What it shows, for who does not see it."""
    cols: int
    rows: int
    shades: Sequence[tuple[float, str]]
    """Opacity and path; cells of no share are left out."""


@dataclass(frozen=True)
class Shares:
    """The maps of a cell, a line a picture."""

    name: str
    said: str
    lines: Sequence[tuple[str, Sequence[ShareMap]]]
    """Name of the picture and its maps, one a stream."""


def shares_figure(name: str, value: object) -> Shares | None:
    """What ``details.stream_shares`` of a record says; None where it is not what a run writes."""
    if not isinstance(value, Mapping):
        return None
    streams = [str(each) for each in _list(value.get("streams"))]
    mean, even = (_numbers(value.get(key)) for key in ("mean", "even"))
    if not streams or not len(streams) == len(mean) == len(even):
        return None
    said = "; ".join(
        f"{stream} {metrics.write(share)} (evenly {metrics.write(by_count)})"
        for stream, share, by_count in zip(streams, mean, even, strict=True)
    )
    lines = [found for each in _list(value.get("pictures")) if (found := _line(each, streams)) is not None]
    return Shares(name, said, lines) if lines else None


def _line(picture: Any, streams: Sequence[str]) -> tuple[str, Sequence[ShareMap]] | None:
    if not isinstance(picture, Mapping):
        return None
    planes = [_plane(each) for each in _list(picture.get("shares"))]
    maps = [_map(stream, plane) for stream, plane in zip(streams, planes, strict=False) if plane]
    return (str(picture.get("sample", "")), maps) if len(maps) == len(streams) == len(planes) else None


def _map(stream: str, plane: Sequence[Sequence[float]]) -> ShareMap:
    cells = [(row, col, share) for row, line in enumerate(plane) for col, share in enumerate(line)]
    shares = [share for _, _, share in cells]
    shades: dict[int, str] = {}
    for row, col, share in cells:
        step = round(STEPS * min(1.0, max(0.0, share)))
        if step:
            shades[step] = shades.get(step, "") + f"M{col} {row}h1v1h-1z"
    words = f"{stream} {metrics.write(sum(shares) / len(shares))}"
    return ShareMap(
        words,
        f"{words} on average, from {metrics.write(min(shares))} to {metrics.write(max(shares))} by query",
        len(plane[0]),
        len(plane),
        [(step / STEPS, path) for step, path in sorted(shades.items())],
    )


def _plane(value: object) -> list[list[float]]:
    """Rows of one length, all numbers; nothing where they are not."""
    rows = [_numbers(row) for row in _list(value)]
    whole = bool(rows) and bool(rows[0]) and all(len(row) == len(rows[0]) for row in rows)
    return rows if whole and len(rows) * len(rows[0]) <= MOST_CELLS else []


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _numbers(value: object) -> list[float]:
    found = [number(each) for each in _list(value)]
    return [] if None in found else [each for each in found if each is not None]
