"""Gates: rules from the documents, answered with GO, NO-GO or INCONCLUSIVE; each gate is a tile and a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from foresight_reports import metrics
from foresight_reports.analysis.files import Analysis, Line, Measured, amount, quantity, said
from foresight_reports.analysis.links import Index, ordered
from foresight_reports.records import number

VERDICTS = ("NO-GO", "INCONCLUSIVE", "MARGINAL", "GO", "NOT MEASURED")
"""From what stops a decision to what says nothing at all."""

TONES = {"GO": "good", "NO-GO": "bad", "INCONCLUSIVE": "warn", "MARGINAL": "warn", "NOT MEASURED": "mute"}


@dataclass(frozen=True)
class Rule:
    """One rule over all candidates, with the candidate that comes nearest to meeting it or meets it best."""

    text: str
    unit: str
    counts: Mapping[str, int]
    total: int
    best: str
    best_measured: Measured
    best_verdict: str
    best_anchor: str
    needed: int | None
    source: str
    reason: str


@dataclass(frozen=True)
class Gate:
    """One threshold table of one document."""

    name: str
    title: str
    source: str
    digest: str
    verdict: str
    finding: str
    outcome: str
    scores: Sequence[tuple[str, float, float]]
    passing: int
    candidates: int
    answers: Mapping[str, int]
    leader: str
    leader_anchor: str
    rules: Sequence[Rule]
    lines: Sequence[Line]

    @property
    def anchor(self) -> str:
        """Name of the gate's place in the page."""
        return "g-" + sha256(self.name.encode("utf-8", "replace")).hexdigest()[:8]

    @property
    def tone(self) -> str:
        """Colour of its chip."""
        return TONES.get(self.verdict, "mute")

    @property
    def needed(self) -> int | None:
        """Samples that would settle every open rule, None where no rule says so."""
        return max((rule.needed for rule in self.rules if rule.needed is not None), default=None)

    @property
    def share(self) -> float:
        """Share of the candidates that pass every rule."""
        return self.passing / self.candidates if self.candidates else 0.0


def gates(analysis: Analysis, index: Index) -> list[Gate]:
    """The gates in the order in which the harness names them, then any that only rows name."""
    stated = {str(each.get("name")): each for each in analysis.section("gates")}
    names = ordered([*stated, *(said(line, "gate") for line in analysis.rows)])
    by_name: dict[str, list[Line]] = {name: [] for name in names}
    for line in analysis.rows:
        by_name[said(line, "gate")].append(line)
    return [_gate(name, stated.get(name, {}), by_name[name], index) for name in names]


def summary(found: Sequence[Gate]) -> tuple[str, str, str]:
    """Look, word and sentence for all gates together; empty where none was measured.

    Gates are threshold tables of different documents: they are alternatives, so one NO-GO among them does not speak
    for all. The word is the answer that the measured ones share, else how many gave which.

    Returns:
        The tone of ``TONES``, the word, and the sentence that also counts what was not measured.
    """
    counts = Counter(gate.verdict for gate in found)
    measured = [verdict for verdict in VERDICTS[:4] if counts[verdict]]
    if not measured:
        return "", "", ""
    parts = [f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]]
    word = measured[0] if len(measured) == 1 else " · ".join(f"{counts[v]} {v}" for v in reversed(measured))
    tone = TONES[measured[0]] if len(measured) == 1 else "warn"
    return tone, word, f"{len(found)} gates, each a table of its own: {', '.join(parts)}"


def _gate(name: str, stated: Mapping[str, Any], lines: Sequence[Line], index: Index) -> Gate:
    texts = ordered([said(line, "rule") for line in lines])
    by_rule: dict[str, list[Line]] = {text: [] for text in texts}
    by_candidate: dict[str, list[str]] = {}
    for line in lines:
        by_rule[said(line, "rule")].append(line)
        if said(line, "candidate"):
            by_candidate.setdefault(said(line, "candidate"), []).append(said(line, "verdict"))
    answers_of = stated.get("candidates")
    if isinstance(answers_of, Mapping) and answers_of:
        # What the harness says of a candidate goes before what its rows seem to say.
        by_candidate = {str(who): [str(answer)] for who, answer in answers_of.items()}
    passing = [who for who, answers in by_candidate.items() if all(answer == "GO" for answer in answers)]
    leader = max(by_candidate, key=lambda who: by_candidate[who].count("GO"), default="")
    if leader and by_candidate[leader].count("GO") == 0:
        leader = ""
    return Gate(
        name=name,
        title=str(stated.get("title") or name.replace("_", " ")),
        source=str(stated.get("source") or next((s for line in lines if (s := said(line, "source"))), "")),
        digest=str(stated.get("digest") or ""),
        verdict=str(stated.get("verdict") or _worst([said(line, "verdict") for line in lines])),
        finding=str(stated.get("finding") or ""),
        outcome=str(stated.get("outcome") or ""),
        scores=_scores(stated.get("scores")),
        passing=len(passing),
        candidates=len(by_candidate),
        answers={v: c for v in VERDICTS if (c := [_worst(each) for each in by_candidate.values()].count(v))},
        leader=leader,
        leader_anchor=index.candidate(leader),
        rules=[_rule(text, by_rule[text], index) for text in texts],
        lines=sorted(lines, key=_order),
    )


def _scores(value: Any) -> list[tuple[str, float, float]]:
    """Candidates by their weighted score: what is sure, and what is still possible; best first."""
    found = []
    for who, each in value.items() if isinstance(value, Mapping) else ():
        sure, possible = (
            number(each.get(name)) if isinstance(each, Mapping) else None for name in ("sure", "possible")
        )
        if sure is not None and possible is not None:
            found.append((str(who), sure, possible))
    return sorted(found, key=lambda score: (-score[1], -score[2], score[0]))


def _worst(answers: Sequence[str]) -> str:
    return next((verdict for verdict in VERDICTS if verdict in answers), "NOT MEASURED")


def _order(line: Line) -> tuple[int, str]:
    verdict = said(line, "verdict")
    return (VERDICTS.index(verdict) if verdict in VERDICTS else len(VERDICTS), said(line, "rule"))


def _rule(text: str, lines: Sequence[Line], index: Index) -> Rule:
    direction = said(lines[0], "direction")
    known = [line for line in lines if quantity(line, "measured").value is not None]
    best: Line = {}
    for line in known:
        value, top = quantity(line, "measured").value or 0.0, quantity(best, "measured").value
        if top is None or metrics.better(direction, value, top):
            best = line
    needed = [int(n) for line in lines if said(line, "verdict") == "INCONCLUSIVE" and (n := amount(line, "needed_n"))]
    return Rule(
        text=text or said(lines[0], "metric"),
        unit=said(lines[0], "unit"),
        counts={v: c for v in VERDICTS if (c := sum(said(line, "verdict") == v for line in lines))},
        total=len(lines),
        best=said(best, "candidate"),
        best_measured=quantity(best, "measured"),
        best_verdict=said(best, "verdict"),
        best_anchor=index.anchor(best, "measured") if best else "",
        needed=min(needed, default=None),
        source=said(lines[0], "source"),
        reason=next((reason for line in [best, *lines] if (reason := said(line, "reason"))), ""),
    )
