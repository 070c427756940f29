"""What training is worth: gains of trained candidates over the same ones with random weights, drawn as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foresight_reports import metrics
from foresight_reports.analysis.files import Analysis, Line, quantity, said, truth
from foresight_reports.analysis.links import Index
from foresight_reports.analysis.strips import ROWS, Strip
from foresight_reports.charts import round_for_page
from foresight_reports.suites import BEFORE

KEYS = ("metric", "suite", "dataset", "probe")


def strips(analysis: Analysis, index: Index | None = None) -> list[Strip]:
    """One figure a board: gains by training, and beside them what the architecture alone is worth over raw pixels."""
    suites = index.suites if index else BEFORE
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in analysis.rows:
        if quantity(line, "gain").value is not None:
            groups.setdefault(tuple(said(line, key) for key in KEYS), []).append(line)
    found = []
    for (metric, suite, dataset, probe), lines in sorted(groups.items(), key=lambda g: suites.rank_of(g[0][0])):
        lines.sort(key=lambda line: -(quantity(line, "gain").value or 0.0))
        told = [line for line in lines if truth(line, "separated") and (quantity(line, "gain").value or 0.0) > 0]
        sentence = f"{len(told)} of {len(lines)} trained candidates are above their random twins; {_shares(lines)}"
        title = f"{suites.label(metric)}: {suite} on {dataset}" + (f" ({probe})" if probe else "")
        found.append(Strip(title, sentence, _chart(suites.label(metric), lines[:ROWS]), lines))
    return found


def _shares(lines: Sequence[Line]) -> str:
    """The best share of the way to the ceiling, or why there is none."""
    known = [(value, line) for line in lines if (value := quantity(line, "share").value) is not None]
    if not known:
        reasons = [reason for line in lines if (reason := said(line, "share_refused"))]
        return f"no share is given: {reasons[0]}." if reasons else "no share is given."
    value, line = max(known, key=lambda pair: pair[0])
    name = said(line, "candidate").partition("/")[0]
    return f"{name} goes {metrics.write(value)} of the way from its twin to the ceiling."


def _chart(label: str, lines: Sequence[Line]) -> dict[str, Any]:
    points = []
    for row, line in enumerate(lines):
        name = said(line, "candidate")
        for kind, key in ((0, "gain"), (1, "architecture")):
            value = quantity(line, key)
            if value.value is not None:
                points.append([row, kind, *map(round_for_page, (value.value, value.low, value.high)), name, ""])
    return {
        "x": {"name": f"Gain in {label}, better to the right", "unit": "", "direction": "higher"},
        "rows": [[said(line, "candidate").partition("/")[0], ""] for line in lines],
        "tones": ["" if truth(line, "separated") else "mute" for line in lines],
        "kinds": [
            {"name": "training: over the random twin, with interval", "symbol": "circle", "colour": 0},
            {"name": "architecture: twin over raw pixels, with interval", "symbol": "square", "colour": 1},
        ],
        "rules": [[0, "no gain"]],
        "spans": [],
        "points": points,
    }
