"""The criteria of a gate as rows: score, interval, samples, what stands beside it, what is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from foresight_harness.judging.gates.deciding import GateResult
from foresight_harness.judging.gates.finding import Finding
from foresight_harness.judging.gates.gate import VERDICTS, Rule
from foresight_harness.judging.gates.verdict import Reading

WORDS: Mapping[str, str] = {
    "GO": "met",
    "MARGINAL": "borderline",
    "INCONCLUSIVE": "open",
    "NOT MEASURED": "not measured",
    "NO-GO": "not met",
}
"""Verdicts as people say them."""


def criteria_of(result: GateResult) -> list[dict[str, Any]]:
    """One row a rule, of the candidate that comes nearest to passing the gate; JSON types."""
    leader = _leader(result)
    rows = []
    for rule in result.gate.rules:
        found = _of_rule(result, rule, leader)
        if found is not None:
            rows.append(_row(result, rule, found))
    return rows


def _leader(result: GateResult) -> str | None:
    """The candidate that does best on the deciding rules together."""
    ranked = sorted(result.by_candidate.items(), key=lambda item: VERDICTS.index(item[1]))
    best = [name for name, verdict in ranked if verdict == ranked[0][1]]
    met = {name: sum(f.verdict == "GO" for f in result.findings if f.candidate == name) for name in best}
    return max(met, key=lambda name: met[name], default=None)


def _of_rule(result: GateResult, rule: Rule, leader: str | None) -> Finding | None:
    found = [one for one in result.findings if one.rule is rule]
    own = [one for one in found if one.candidate == leader] or found
    order = ["NO-GO", "NOT MEASURED", "INCONCLUSIVE", "MARGINAL", "GO"]  # of its data sets the worst decides
    return min(own, key=lambda one: order.index(one.verdict), default=None)


def _row(result: GateResult, rule: Rule, found: Finding) -> dict[str, Any]:
    number = not rule.by_person or rule.wants_number
    unit = "times" if rule.compare == "ratio" else rule.fact.unit
    return {
        "gate": result.gate.name,
        "rule": rule.id,
        "label": rule.label,
        "plain": rule.fact.plain or None,
        "compare": rule.compare or None,
        "against": found.reference,
        "quote": rule.quote,
        "line": rule.line,
        "decides": rule.id in result.gate.decides,
        "person": rule.by_person,
        "ask": rule.ask or None,
        "bound": rule.bound if number else None,
        "direction": rule.direction if number else None,
        "unit": unit if number else None,
        "candidate": found.candidate,
        "dataset": found.dataset,
        "score": _number(found.reading),
        "twin": _number(found.beside.get("twin")),
        "pixels": _number(found.beside.get("pixels")),
        "verdict": found.verdict,
        "word": WORDS[found.verdict],
        "reason": found.reason,
        "missing": list(found.missing),
        "needed_n": found.needed_n,
        "answered": _answered(found),
    }


def _number(reading: Reading | None) -> dict[str, Any] | None:
    if reading is None or not math.isfinite(reading.value):
        return None
    low, high = (None if end is None or not math.isfinite(end) else end for end in (reading.low, reading.high))
    return {"value": reading.value, "low": low, "high": high, "n": reading.n, "method": reading.method}


def _answered(found: Finding) -> dict[str, Any] | None:
    answer = found.answered
    if answer is None:
        return None
    return {"value": answer.value, "n": answer.n, "who": answer.who, "when": answer.when, "evidence": answer.evidence}
