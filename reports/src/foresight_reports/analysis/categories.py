"""IoU of each class, size and place of objects, drawn for the candidates that find objects best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foresight_reports.analysis.files import Analysis, Line, amount, quantity, said
from foresight_reports.analysis.strips import ROWS, Strip
from foresight_reports.charts import round_for_page

DRAWN = 4
"""Candidates of one figure and of the table: more are hard to tell apart; the conclusion's file has all."""
SYMBOLS = ("circle", "square", "triangle", "diamond")


def categories(analysis: Analysis) -> list[Strip]:
    """One figure a suite, data set, probe and way of parting objects, parts that are found worst on top."""
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in analysis.rows:
        if quantity(line, "iou").value is not None:
            key = tuple(said(line, name) for name in ("suite", "dataset", "probe", "by"))
            groups.setdefault(key, []).append(line)
    found = []
    for (_, dataset, probe, way), lines in groups.items():
        best = _best(lines)
        levels = sorted({said(line, "level") for line in lines}, key=lambda level: _mean(lines, level, best[0]))
        if len(levels) > 1:
            where = " ".join(
                part for part in (f"on {dataset}" if dataset else "", f"({probe})" if probe else "") if part
            )
            title = f"IoU by {way} {where}".strip()
            drawn = [line for line in lines if said(line, "candidate") in best and said(line, "level") in levels[:ROWS]]
            found.append(Strip(title, _sentence(lines, levels, best[0]), _chart(drawn, levels[:ROWS], best), lines))
    return found


def shown(analysis: Analysis) -> list[Line]:
    """Rows of the table: of the candidates that are drawn. Every class of every candidate would fill the page."""
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in analysis.rows:
        groups.setdefault(tuple(said(line, name) for name in ("suite", "dataset", "probe")), []).append(line)
    best = {key: _best(lines) for key, lines in groups.items()}
    return [line for key, lines in groups.items() for line in lines if said(line, "candidate") in best[key]]


def _best(lines: Sequence[Line]) -> list[str]:
    """Candidates by their mean IoU over all objects, the best first."""
    names = list(dict.fromkeys(said(line, "candidate") for line in lines))

    def mean(name: str) -> float:
        mine = [line for line in lines if said(line, "candidate") == name]
        weights = [amount(line, "objects") or 0.0 for line in mine]
        total = sum((quantity(line, "iou").value or 0.0) * weight for line, weight in zip(mine, weights, strict=True))
        return total / max(sum(weights), 1.0)

    return sorted(names, key=lambda name: -mean(name))[:DRAWN]


def _mean(lines: Sequence[Line], level: str, candidate: str) -> float:
    """IoU of one part by one candidate; parts that it lacks stand last."""
    mine = [line for line in lines if said(line, "level") == level and said(line, "candidate") == candidate]
    return next((value for line in mine if (value := quantity(line, "iou").value) is not None), 2.0)


def _sentence(lines: Sequence[Line], levels: Sequence[str], best: str) -> str:
    """How far apart the best candidate's worst and best parts are."""
    known = [level for level in levels if _mean(lines, level, best) <= 1]
    if len(known) < 2:
        return ""
    low, high = known[0], known[-1]
    more = f", the worst of {len(known)}" if len(known) > 2 else ""
    return f"{best}: {low} {_mean(lines, low, best):.2f}{more}, {high} {_mean(lines, high, best):.2f}."


def _chart(lines: Sequence[Line], levels: Sequence[str], best: Sequence[str]) -> dict[str, Any]:
    return {
        "x": {"name": "IoU", "unit": "", "direction": "higher"},
        "domain": [0, 1],
        "rows": [[level, ""] for level in levels],
        "tones": [""] * len(levels),
        "kinds": [{"name": name, "symbol": SYMBOLS[place], "colour": place} for place, name in enumerate(best)],
        "rules": [],
        "spans": [],
        "points": [
            [
                levels.index(said(line, "level")),
                best.index(said(line, "candidate")),
                *map(round_for_page, (value.value, value.low, value.high)),
                said(line, "candidate"),
                "",
            ]
            for line in lines
            for value in (quantity(line, "iou"),)
        ],
    }
