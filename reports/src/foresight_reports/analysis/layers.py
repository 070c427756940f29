"""Score over relative depth of every encoder, and the best tap: chosen on one half, reported on the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foresight_reports import metrics
from foresight_reports.analysis.files import Analysis, Line, Measured, amount, measured, quantity, said
from foresight_reports.analysis.links import Index, ordered
from foresight_reports.charts import round_for_page

LINES = 8
"""Encoders of one figure: more have no colour left."""


@dataclass(frozen=True)
class Best:
    """The tap of one encoder that one half of the samples chose, with its score on the other half."""

    encoder: str
    tap: str
    chosen_on: str
    measured: Measured


@dataclass(frozen=True)
class Depth:
    """One metric on one data set over the depth of all encoders."""

    suite: str
    dataset: str
    metric: str
    encoders: Sequence[str]
    lines: Sequence[Line]
    best: Sequence[Best]

    @property
    def title(self) -> str:
        """What is drawn."""
        return f"{metrics.label(self.metric)} over depth: {self.suite} on {self.dataset}"

    @property
    def sentence(self) -> str:
        """Which tap each encoder is best at, judged on samples that had no part in choosing it."""
        if not self.best:
            return f"{metrics.label(self.metric)} of {len(self.encoders)} encoders over relative depth."
        said_of = [
            f"{each.encoder} at {each.tap} ({metrics.write(each.measured.value)}"
            + (f" [{metrics.span(each.measured.low, each.measured.high)}])" if each.measured.has_interval else ")")
            for each in self.best[:4]
        ]
        more = f" and {len(self.best) - 4} more" if len(self.best) > 4 else ""
        chosen = next((each.chosen_on for each in self.best if each.chosen_on), "one half of the samples")
        return f"Best taps, chosen on {chosen} and scored on the rest: {', '.join(said_of)}{more}."


def depths(analysis: Analysis) -> list[Depth]:
    """One figure a suite, data set and metric in which some encoder has at least two taps."""
    groups: dict[tuple[str, str, str], list[Line]] = {}
    for line in analysis.rows:
        if amount(line, "depth") is not None and quantity(line, "measured").value is not None:
            groups.setdefault((said(line, "suite"), said(line, "dataset"), said(line, "metric")), []).append(line)
    best = analysis.section("best")
    found = []
    for (suite, dataset, metric), lines in groups.items():
        counts = [said(line, "encoder") for line in lines]
        encoders = [name for name in ordered(counts) if counts.count(name) > 1]
        if encoders:
            mine = [each for each in best if _fits(each, suite, dataset, metric)]
            found.append(Depth(suite, dataset, metric, encoders, lines, [_best(each) for each in mine]))
    return found


def _fits(each: Mapping[str, Any], suite: str, dataset: str, metric: str) -> bool:
    wanted = (("metric", metric), ("dataset", dataset), ("suite", suite))
    return all(each.get(name) in (None, value) for name, value in wanted)


def _best(each: Mapping[str, Any]) -> Best:
    return Best(
        str(each.get("encoder")), str(each.get("tap")), str(each.get("chosen_on") or ""), measured(each.get("measured"))
    )


def chart(found: Depth, index: Index) -> dict[str, Any]:
    """Lines over relative depth: line, depth, value with interval, tap, record, whether it was chosen."""
    encoders = list(found.encoders[:LINES])
    chosen = {(each.encoder, each.tap) for each in found.best}
    points = [
        [
            encoders.index(said(line, "encoder")),
            round_for_page(amount(line, "depth")),
            *map(round_for_page, (value.value, value.low, value.high)),
            said(line, "tap"),
            index.record(line, value.value),
            int((said(line, "encoder"), said(line, "tap")) in chosen),
        ]
        for line in sorted(found.lines, key=lambda line: amount(line, "depth") or 0.0)
        if said(line, "encoder") in encoders
        for value in (quantity(line, "measured"),)
    ]
    return {
        "y": {"name": metrics.label(found.metric), "unit": "", "direction": "none"},
        "lines": encoders,
        "points": points,
    }
