"""The audit: which probes cannot tell a perfect mask from noise, as one table and one figure a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foresight_reports.analysis.files import Analysis, Line, Measured, amount, quantity, said, truth
from foresight_reports.analysis.links import Index, ordered
from foresight_reports.charts import round_for_page
from foresight_reports.grids import STEPS

LEFT, RIGHT = ("oracle",), ("pixels", "shuffled", "constant", "window_order")
"""Controls by the beginning of their names: a perfect mask stands first, the uninformed ones last."""

KINDS = (
    {"name": "a perfect mask", "symbol": "diamond", "colour": 2},
    {"name": "encoders", "symbol": "circle", "colour": 0},
    {"name": "raw pixels", "symbol": "triangle", "colour": 4},
    {"name": "shuffled tokens", "symbol": "square", "colour": 1},
    {"name": "constant", "symbol": "times", "colour": 7},
    {"name": "tokens left in window order", "symbol": "wye", "colour": 5},
)


@dataclass(frozen=True)
class Score:
    """One probe on one stream."""

    measured: Measured
    step: int
    anchor: str


@dataclass(frozen=True)
class Probe:
    """One probe: what it scores on every stream, and whether it tells a perfect mask from shuffled tokens."""

    name: str
    audit_only: bool
    tells: bool | None
    gap: float | None
    scores: Mapping[str, Score]

    @property
    def verdict(self) -> str:
        """The answer in words."""
        return "not known" if self.tells is None else "sees where" if self.tells else "blind"


@dataclass(frozen=True)
class Audit:
    """All probes on all streams of one data set."""

    dataset: str
    metric: str
    probes: Sequence[Probe]
    streams: Sequence[str]
    floor: float | None

    @property
    def blind(self) -> list[Probe]:
        """Probes that give a perfect mask the score of noise."""
        return [probe for probe in self.probes if probe.tells is False]

    @property
    def sentence(self) -> str:
        """What the figure shows."""
        known = [probe for probe in self.probes if probe.tells is not None]
        seeing = [probe for probe in known if probe.tells]
        if not known:
            return "No probe was run on both a perfect mask and shuffled tokens."
        names = " and ".join(probe.name for probe in self.blind) or "none"
        verb = "gives" if len(self.blind) == 1 else "give"
        text = (
            f"{len(self.blind)} of {len(known)} probes {verb} a perfect mask and shuffled tokens the same score: "
            f"{names}."
            if self.blind
            else f"All {len(known)} probes tell a perfect mask from shuffled tokens."
        )
        if seeing and seeing[0].gap is not None:
            text += f" {seeing[0].name} sets the two {seeing[0].gap:.2f} apart."
        if self.blind:
            text += " A low score of a blind probe says nothing about an encoder."
        return text


def audits(analysis: Analysis, index: Index) -> list[Audit]:
    """One audit a data set and metric."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in analysis.rows:
        if said(line, "probe") and said(line, "stream"):
            groups.setdefault((said(line, "dataset"), said(line, "metric")), []).append(line)
    stated = {str(each.get("name")): each for each in analysis.section("probes")}
    only = len(groups) == 1
    return [_audit(*key, lines, stated if only else {}, index) for key, lines in groups.items()]


def kind_of(stream: str) -> int:
    """Place of a stream's kind in ``KINDS``."""
    if stream.startswith(LEFT):
        return 0
    return next((2 + i for i, name in enumerate(RIGHT) if stream.startswith(name)), 1)


def _audit(
    dataset: str, metric: str, lines: Sequence[Line], stated: Mapping[str, Mapping[str, Any]], index: Index
) -> Audit:
    streams = sorted(ordered([said(line, "stream") for line in lines]), key=kind_of)
    values = [v for line in lines if (v := quantity(line, "score").value) is not None]
    floors = [v for line in lines if (v := amount(line, "floor")) is not None]
    low, high = min([*values, *floors], default=0.0), max(values, default=1.0)
    probes = [
        _probe(name, [line for line in lines if said(line, "probe") == name], stated.get(name, {}), (low, high), index)
        for name in ordered([said(line, "probe") for line in lines])
    ]
    probes.sort(key=lambda probe: (probe.tells is not True, -(probe.gap or 0.0), probe.name))
    return Audit(dataset, metric, probes, streams, floors[0] if floors else None)


def _probe(
    name: str, lines: Sequence[Line], stated: Mapping[str, Any], ends: tuple[float, float], index: Index
) -> Probe:
    low, high = ends
    scores = {}
    for line in lines:
        found = quantity(line, "score")
        share = 0.0 if found.value is None or high <= low else (found.value - low) / (high - low)
        scores[said(line, "stream")] = Score(found, min(STEPS - 1, int(share * STEPS)), index.anchor(line, "score"))
    oracle = next((each.measured for stream, each in scores.items() if kind_of(stream) == 0), Measured(None))
    noise = next((each.measured for stream, each in scores.items() if kind_of(stream) == 3), Measured(None))
    gap = None if oracle.value is None or noise.value is None else oracle.value - noise.value
    claimed = stated.get("tells_oracle_from_shuffled")
    tells = claimed if isinstance(claimed, bool) else _apart(oracle, noise)
    return Probe(name, any(truth(line, "audit_only") for line in lines), tells, gap, scores)


def _apart(oracle: Measured, noise: Measured) -> bool | None:
    """Whether the two intervals are apart, None where one is not known."""
    if oracle.low is None or noise.high is None:
        return None
    return oracle.low > noise.high


def _on_top(kind: int) -> tuple[bool, int]:
    """Order of drawing: what probes are judged by lies above the many encoders."""
    return kind != 1, -kind


def chart(audit: Audit) -> dict[str, Any]:
    """Rows are probes; the span of a row reaches from shuffled tokens to a perfect mask."""
    used = {kind_of(stream) for stream in audit.streams}
    spans = []
    for row, probe in enumerate(audit.probes):
        ends = [
            each.measured.value
            for kind in (3, 0)
            for stream, each in probe.scores.items()
            if kind_of(stream) == kind and each.measured.value is not None
        ]
        if len(ends) >= 2:
            spans.append(
                [row, round_for_page(ends[0]), round_for_page(ends[-1]), "bad" if probe.tells is False else "good"]
            )
    return {
        "x": {"name": "Score of the probe", "unit": "", "direction": "higher"},
        "rows": [
            [probe.name + (" (the documents' own, for audits only)" if probe.audit_only else ""), probe.verdict]
            for probe in audit.probes
        ],
        "tones": ["bad" if probe.tells is False else "" for probe in audit.probes],
        "kinds": [kind if place in used else None for place, kind in enumerate(KINDS)],
        "spans": spans,
        "span": "from shuffled tokens to a perfect mask",
        "rules": [] if audit.floor is None else [[round_for_page(audit.floor), "without features"]],
        "points": [
            [
                row,
                kind_of(stream),
                *map(round_for_page, (s.measured.value, s.measured.low, s.measured.high)),
                stream,
                s.anchor,
            ]
            for row, probe in enumerate(audit.probes)
            for stream, s in sorted(probe.scores.items(), key=lambda item: _on_top(kind_of(item[0])))
            if s.measured.value is not None
        ],
    }
