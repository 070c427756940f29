"""Score over relative depth of every encoder, and the best tap: chosen on one half, reported on the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foresight_reports import metrics
from foresight_reports.analysis.files import Analysis, Line, Measured, amount, measured, quantity, said
from foresight_reports.analysis.links import Index, ordered
from foresight_reports.charts import round_for_page
from foresight_reports.suites import BEFORE

LINES = 8
"""Encoders of one figure: more have no colour left."""


@dataclass(frozen=True)
class Best:
    """The tap of one encoder that one half of the samples chose, with its score on the other half."""

    line: str
    tap: str
    chosen_on: str
    measured: Measured


@dataclass(frozen=True)
class Asked:
    """Two relatives at one tap that differ in what their training asked for, the better one first."""

    tap: str
    objective: str
    over: str
    measured: Measured
    """By how much it is better; of errors negative."""
    verdict: str


@dataclass(frozen=True)
class Depth:
    """One metric on one data set over the depth of all encoders."""

    suite: str
    dataset: str
    metric: str
    probe: str
    names: Sequence[str]
    lines: Sequence[tuple[str, Line]]
    best: Sequence[Best]
    direction: str = "none"
    label: str = ""
    """What a reader calls the metric."""
    asked: Sequence[Asked] = ()

    @property
    def title(self) -> str:
        """What is drawn."""
        probe = f", {self.probe}" if self.probe else ""
        return f"{self.label} over depth: {self.suite} on {self.dataset}{probe}"

    @property
    def sentence(self) -> str:
        """Which tap each encoder is best at, judged on samples that had no part in choosing it."""
        chosen: dict[str, list[Best]] = {}
        for each in self.best:
            chosen.setdefault(each.line, []).append(each)
        if not chosen:
            return self._highest
        parts = [_told(name, both) for name, both in list(chosen.items())[:4]]
        more = f" And {len(chosen) - 4} more in the table." if len(chosen) > 4 else ""
        return f"Best taps, each chosen on one half of the samples and scored on the other: {'; '.join(parts)}.{more}"

    @property
    def _highest(self) -> str:
        """Where each encoder is best, for a metric that cannot be had of half the samples."""
        parts = []
        for name in self.names[:4]:
            mine = [(quantity(line, "measured").value or 0.0, said(line, "tap")) for n, line in self.lines if n == name]
            value, tap = (min if self.direction == "lower" else max)(mine)
            parts.append(f"{name} at {tap} ({metrics.write(value)})")
        more = f" And {len(self.names) - 4} more in the table." if len(self.names) > 4 else ""
        return f"Best taps, chosen and scored on the same samples, so a little too good: {'; '.join(parts)}.{more}"


def _told(name: str, both: Sequence[Best]) -> str:
    """One encoder: its tap with the score, and whether the other half chooses the same."""
    first = both[0]
    value = metrics.write(first.measured.value)
    if first.measured.has_interval:
        value += f" [{metrics.span(first.measured.low, first.measured.high)}]"
    others = {each.tap for each in both} - {first.tap}
    if others:
        return f"{name} at {first.tap} ({value}), while the other half chooses {' or '.join(sorted(others))}"
    return f"{name} at {first.tap} ({value}){', as both halves say' if len(both) > 1 else ''}"


def depths(analysis: Analysis, index: Index | None = None) -> list[Depth]:
    """One figure a suite, data set, metric and probe in which some encoder has at least two taps.

    What a suite is read by comes first.
    """
    groups: dict[tuple[str, str, str, str], list[Line]] = {}
    for line in analysis.rows:
        if amount(line, "depth") is not None and quantity(line, "measured").value is not None:
            key = (said(line, "suite"), said(line, "dataset"), said(line, "metric"), said(line, "probe"))
            groups.setdefault(key, []).append(line)
    best = analysis.section("best")
    suites = index.suites if index else BEFORE
    found = []
    for key, lines in groups.items():
        mine = [each for each in best if _fits(each, *key)]
        pipelines = {said(line, "pipeline") for line in lines}

        def named(encoder: str, pipeline: str, several: bool = len(pipelines) > 1) -> str:
            return f"{encoder} ({pipeline})" if several and pipeline else encoder

        told = [(named(said(line, "encoder"), said(line, "pipeline")), line) for line in lines]
        counts = [name for name, _ in told]
        names = [name for name in ordered(counts) if counts.count(name) > 1]
        if names:
            chosen = [_best(each, named(str(each.get("encoder")), str(each.get("pipeline") or ""))) for each in mine]
            mine_only = [each for each in chosen if each.line in names]
            direction = index.direction(key[2]) if index else "none"
            label = suites.label(key[2])
            asked = [_asked(each) for each in analysis.section("objectives") if _fits(each, *key)]
            found.append(
                Depth(*key, names=names, lines=told, best=mine_only, direction=direction, label=label, asked=asked)
            )
    return sorted(found, key=lambda each: suites.rank_of(each.metric))


def _fits(each: Mapping[str, Any], suite: str, dataset: str, metric: str, probe: str) -> bool:
    wanted = (("metric", metric), ("dataset", dataset), ("suite", suite), ("probe", probe))
    return all(each.get(name) in (None, value) for name, value in wanted)


def _best(each: Mapping[str, Any], line: str) -> Best:
    return Best(line, str(each.get("tap")), str(each.get("chosen_on") or ""), measured(each.get("measured")))


def _asked(each: Mapping[str, Any]) -> Asked:
    tap, objective, over = (str(each.get(name) or "") for name in ("tap", "objective", "over"))
    verdict = "better" if each.get("separated") is True else "not told apart"
    return Asked(tap, objective, over, measured(each.get("difference")), verdict)


def chart(found: Depth, index: Index) -> dict[str, Any]:
    """Lines over relative depth: line, depth, value with interval, tap, record, whether it was chosen."""
    names = list(found.names[:LINES])
    chosen = {(each.line, each.tap) for each in found.best}
    points = [
        [
            names.index(name),
            round_for_page(amount(line, "depth")),
            *map(round_for_page, (value.value, value.low, value.high)),
            said(line, "tap"),
            index.record(line, value.value),
            int((name, said(line, "tap")) in chosen),
            index.weights(index.record(line, value.value)),
        ]
        for name, line in sorted(found.lines, key=lambda pair: amount(pair[1], "depth") or 0.0)
        if name in names
        for value in (quantity(line, "measured"),)
    ]
    return {
        "y": {"name": found.label, "unit": "", "direction": found.direction},
        "lines": names,
        "points": points,
    }
