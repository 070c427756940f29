"""IoU of each class, size and place of objects, drawn for the candidates that find objects best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foresight_reports.analysis.files import Analysis, Line, amount, quantity, said
from foresight_reports.analysis.strips import ROWS, Strip
from foresight_reports.charts import round_for_page

DRAWN = 2
"""Candidates of one figure and of the table: more are hard to tell apart; the conclusion's file has all."""
SYMBOLS = ("circle", "square")
ROWS_SHOWN = 2
"""Rows of the table that stand in the page as they are."""


def categories(analysis: Analysis) -> list[Strip]:
    """One figure a suite, data set and probe: classes, sizes, places, of each the parts that are found worst on top."""
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in analysis.rows:
        if quantity(line, "iou").value is not None:
            groups.setdefault(tuple(said(line, name) for name in ("suite", "dataset", "probe")), []).append(line)
    found = []
    for (_, dataset, probe), lines in groups.items():
        best = _best(lines)
        ways = {way: _levels(lines, way, best[0]) for way in dict.fromkeys(said(line, "by") for line in lines)}
        parts = [(way, level) for way, levels in ways.items() if len(levels) > 1 for level in levels][:ROWS]
        if parts:
            where = [f"on {dataset}" if dataset else "", f"({probe})" if probe else ""]
            title = " ".join(["IoU by", ", ".join(dict.fromkeys(way for way, _ in parts)), *filter(None, where)])
            said_of = [_sentence(lines, ways[way], way, best[0]) for way in dict.fromkeys(way for way, _ in parts)]
            sentence = f"{best[0]}: {'; '.join(filter(None, said_of))}." if any(said_of) else ""
            found.append(Strip(title, sentence, _chart(lines, parts, best), lines))
    return found


def _levels(lines: Sequence[Line], way: str, best: str) -> list[str]:
    """Parts of one way of parting, as the best candidate finds them, the worst first."""
    levels = {said(line, "level") for line in lines if said(line, "by") == way}
    return sorted(levels, key=lambda level: (_iou(lines, way, level, best), level))


def shown(analysis: Analysis) -> list[Line]:
    """Rows of the table: of the candidates that are drawn, without the columns that say one thing throughout.

    Every class of every candidate would fill the page.
    """
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in analysis.rows:
        groups.setdefault(tuple(said(line, name) for name in ("suite", "dataset", "probe")), []).append(line)
    best = {key: _best(lines) for key, lines in groups.items()}
    found = [line for key, lines in groups.items() for line in lines if said(line, "candidate") in best[key]]
    constant = [name for name in ("suite", "dataset", "probe") if len({said(line, name) for line in found}) < 2]
    return [{key: value for key, value in line.items() if key not in constant} for line in found]


def _best(lines: Sequence[Line]) -> list[str]:
    """Candidates by their mean IoU over all objects, the best first."""
    names = list(dict.fromkeys(said(line, "candidate") for line in lines))

    def mean(name: str) -> float:
        mine = [line for line in lines if said(line, "candidate") == name]
        weights = [amount(line, "objects") or 0.0 for line in mine]
        total = sum((quantity(line, "iou").value or 0.0) * weight for line, weight in zip(mine, weights, strict=True))
        return total / max(sum(weights), 1.0)

    return sorted(names, key=lambda name: -mean(name))[:DRAWN]


def _iou(lines: Sequence[Line], way: str, level: str, candidate: str) -> float:
    """IoU of one part by one candidate; parts that it lacks stand last."""
    wanted = (way, level, candidate)
    mine = [line for line in lines if tuple(said(line, name) for name in ("by", "level", "candidate")) == wanted]
    return next((value for line in mine if (value := quantity(line, "iou").value) is not None), 2.0)


def _sentence(lines: Sequence[Line], levels: Sequence[str], way: str, best: str) -> str:
    """How far apart the best candidate's worst and best parts are."""
    known = [level for level in levels if _iou(lines, way, level, best) <= 1]
    if len(known) < 2:
        return ""
    low, high = (f"{level} {_iou(lines, way, level, best):.2f}" for level in (known[0], known[-1]))
    more = f", the worst of {len(known)}" if len(known) > 2 else ""
    return f"{low}{more}, {high}"


def _chart(lines: Sequence[Line], parts: Sequence[tuple[str, str]], best: Sequence[str]) -> dict[str, Any]:
    drawn = [
        (parts.index(part), best.index(said(line, "candidate")), quantity(line, "iou"))
        for line in lines
        if (part := (said(line, "by"), said(line, "level"))) in parts and said(line, "candidate") in best
    ]
    return {
        "x": {"name": "IoU", "unit": "", "direction": "higher"},
        "domain": [0, 1],
        "rows": [[level, way] for way, level in parts],
        "tones": [""] * len(parts),
        "kinds": [{"name": name, "symbol": SYMBOLS[place], "colour": place} for place, name in enumerate(best)],
        "rules": [],
        "spans": [],
        "points": [
            [row, kind, *map(round_for_page, (value.value, value.low, value.high)), "", ""]
            for row, kind, value in drawn
        ],
    }
