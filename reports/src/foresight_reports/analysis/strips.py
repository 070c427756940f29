"""Conclusions that are drawn as rows of values with intervals: proxies and attribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from foresight_reports import metrics
from foresight_reports.analysis.files import Analysis, Line, Measured, amount, quantity, said, truth
from foresight_reports.analysis.links import Index
from foresight_reports.charts import round_for_page
from foresight_reports.suites import BEFORE, Suites

ROUNDING = 1e-9
"""An effect no larger than this is an error of rounding."""

ROWS = 40
"""Rows of one figure; the table below has all."""


@dataclass(frozen=True)
class Strip:
    """One figure with its sentence."""

    title: str
    sentence: str
    chart: dict[str, Any]
    lines: Sequence[Line]


def _groups(analysis: Analysis, *keys: str) -> dict[tuple[str, ...], list[Line]]:
    found: dict[tuple[str, ...], list[Line]] = {}
    for line in analysis.rows:
        found.setdefault(tuple(said(line, key) for key in keys), []).append(line)
    return found


def proxies(analysis: Analysis, suites: Suites = BEFORE) -> list[Strip]:
    """Rank correlation of each cheap metric with one outcome: value, interval, and the worst family left out."""
    found = []
    for (outcome, decoder, dataset), lines in _groups(analysis, "outcome", "decoder", "dataset").items():
        known = [line for line in lines if quantity(line, "correlation").value is not None]
        if not known:
            continue
        known.sort(key=lambda line: -abs(quantity(line, "correlation").value or 0.0))
        fit = [_named(line, suites) for line in known if truth(line, "gateable")]
        names = ", ".join(fit[:4])
        stand = f"of {len(known)} cheap metrics may stand in for {suites.label(outcome)}"
        sentence = f"{len(fit)} {stand}: {names}." if fit else f"None {stand}: no gate should rest on them."
        points = []
        for row, line in enumerate(known[:ROWS]):
            value = quantity(line, "correlation")
            left = quantity(line, "worst_left_out").value
            family = said(line, "left_out_family")
            if left is not None:
                points.append(
                    [row, 1, round_for_page(left), None, None, f"without {family}" if family else "worst", ""]
                )
            points.append([row, 0, *map(round_for_page, (value.value, value.low, value.high)), "all candidates", ""])
        drawn = {
            "x": {"name": f"Rank correlation with {suites.label(outcome)}", "unit": "", "direction": "none"},
            "domain": [-1, 1],
            "rows": [
                # The figure's sentence says what holds for all the others.
                [_named(line, suites), "may stand in" if truth(line, "gateable") else ""]
                for line in known[:ROWS]
            ],
            "tones": ["" if truth(line, "gateable") else "mute" for line in known[:ROWS]],
            "kinds": [
                {"name": "all candidates, with interval", "symbol": "circle", "colour": 0},
                {"name": "worst with one family left out", "symbol": "square", "colour": 1},
            ],
            "rules": [[0, "no relation"]],
            "spans": [],
            "points": points,
        }
        where = f" on {dataset}" if dataset else ""
        where += f", decoder {decoder}" if decoder else ""
        found.append(Strip(suites.label(outcome) + where, sentence, drawn, known))
    return found


def _named(line: Line, suites: Suites) -> str:
    """A cheap metric with the probe that it belongs to."""
    probe = said(line, "probe")
    return suites.label(said(line, "proxy")) + (f" ({probe})" if probe else "")


def attribution(analysis: Analysis, index: Index | None = None) -> list[Strip]:
    """Main effects of the levels of each axis on one metric, beside the spread of seeds."""
    found = []
    suites = index.suites if index else BEFORE
    shares = analysis.section("shares")
    keys = ("metric", "suite", "dataset", "probe", "decoder")
    groups = _groups(analysis, *keys)
    # What a suite is read by comes first.
    for (metric, suite, dataset, probe, decoder), lines in sorted(
        groups.items(), key=lambda g: suites.rank_of(g[0][0])
    ):
        known = [line for line in lines if quantity(line, "effect").value is not None]
        # What no choice can change, such as a constant answer, has effects of the last digit: nothing to be drawn.
        if not any(abs(end) > ROUNDING for line in known for end in _ends(quantity(line, "effect"))):
            continue
        axes = list(dict.fromkeys(said(line, "axis") for line in known))
        known.sort(key=lambda line: (axes.index(said(line, "axis")), -(quantity(line, "effect").value or 0.0)))
        spreads = [value for line in known if (value := amount(line, "seed_spread")) is not None]
        wanted = dict(zip(keys, (metric, suite, dataset, probe, decoder), strict=True))
        mine = [each for each in shares if all(each.get(key) in (None, value) for key, value in wanted.items())]
        parts = [
            f"{each.get('axis')} {share:.0%}" for each in mine if isinstance(share := each.get("share"), int | float)
        ]
        clear = [line for line in known if _clear(line)]
        sentence = f"{len(clear)} of {len(known)} effects on {suites.label(metric)} have an interval without 0."
        if parts:
            sentence += f" Share of the spread between candidates: {', '.join(parts)}."
        beyond = [line for line in known if truth(line, "beyond_seeds")]
        if any(truth(line, "beyond_seeds") is not None for line in known):
            sentence += f" {len(beyond)} are larger than what seeds alone do."
        if spreads:
            sentence += f" Seeds alone spread by {metrics.write(max(spreads))}."
        drawn = {
            "x": {
                "name": f"Effect on {suites.label(metric)}",
                "unit": "",
                "direction": index.direction(metric) if index else "none",
            },
            "rows": [[f"{said(line, 'axis')}: {said(line, 'level')}", ""] for line in known[:ROWS]],
            "tones": ["" if _clear(line) else "mute" for line in known[:ROWS]],
            "kinds": [{"name": "effect against the mean of its axis, with interval", "symbol": "circle", "colour": 0}],
            "rules": [[0, "mean"]],
            "band": [-max(spreads), max(spreads)] if spreads else None,
            "spans": [],
            "points": [
                [row, 0, *map(round_for_page, (value.value, value.low, value.high)), f"{axis}: {level}", ""]
                for row, line in enumerate(known[:ROWS])
                for value, axis, level in ((quantity(line, "effect"), said(line, "axis"), said(line, "level")),)
            ],
        }
        details = ", ".join(part for part in (probe, decoder and f"decoder {decoder}") if part)
        where = f": {suite} on {dataset}" if suite else ""
        title = suites.label(metric) + where + (f" ({details})" if details else "")
        found.append(Strip(title, sentence, drawn, known))
    return found


def _ends(value: Measured) -> list[float]:
    return [end for end in (value.value, value.low, value.high) if end is not None]


def _clear(line: Line) -> bool:
    """Whether the interval of an effect leaves 0 out."""
    value = quantity(line, "effect")
    return value.low is not None and value.high is not None and not value.low <= 0 <= value.high
