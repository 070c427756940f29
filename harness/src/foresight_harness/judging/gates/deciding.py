"""From findings to the verdict of a gate: by candidate, by rule, or by the branches of a decision tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from foresight_harness.judging.gates.finding import Finding
from foresight_harness.judging.gates.gate import Condition, Gate, Outcome, Rule
from foresight_harness.judging.gates.verdict import Verdict, best, worst


@dataclass(frozen=True)
class GateResult:
    """What a gate says of a run."""

    gate: Gate
    verdict: Verdict
    sentence: str
    findings: tuple[Finding, ...]
    by_candidate: dict[str, Verdict]
    """Of the deciding rules together; empty where each rule finds its own candidate."""
    outcome: Outcome | None = None
    scores: dict[str, tuple[float, float]] | None = None
    """Weighted share of criteria met by each candidate: what is sure, and what is still possible."""


def decided(gate: Gate, findings: Sequence[Finding], subjects: list[str]) -> GateResult:
    """The verdict of a gate from what its rules say of its candidates."""
    found = list(findings)
    if gate.outcomes:
        result = _by_outcome(gate, found, subjects)
    elif gate.subject == "rule":
        result = _by_rule(gate, found)
    else:
        result = _by_candidate(gate, found, subjects)
    return replace(result, scores=_scores(gate, found, subjects))


def _verdict_of(rule: Rule, candidate: str, findings: list[Finding]) -> Verdict:
    """Of one candidate: on every data set that was measured. A person's answer is about all of them."""
    about = (candidate, None) if rule.by_person else (candidate,)
    return worst([found.verdict for found in findings if found.rule is rule and found.candidate in about])


def _together(gate: Gate, candidate: str, findings: list[Finding]) -> Verdict:
    return worst([_verdict_of(rule, candidate, findings) for rule in gate.deciding()])


def _by_candidate(gate: Gate, findings: list[Finding], subjects: list[str]) -> GateResult:
    verdicts = {name: _together(gate, name, findings) for name in subjects}
    combine = best if gate.scope == "any" else worst
    verdict = combine(list(verdicts.values()))
    passing = [name for name, found in verdicts.items() if found == "GO"]
    if verdict == "GO":
        sentence = f"{len(passing)} of {len(verdicts)} candidates pass every deciding rule: {few(passing)}."
    else:
        sentence = f"{_why(gate, verdict, findings)}."
    return GateResult(gate, verdict, sentence, tuple(findings), verdicts)


def _by_rule(gate: Gate, findings: list[Finding]) -> GateResult:
    """Each rule is decided by the candidate that does best on it, and shows that one."""
    kept, verdicts = [], []
    for rule in gate.rules:
        own = [found for found in findings if found.rule is rule]
        names = list(dict.fromkeys(found.candidate for found in own))
        combine = best if gate.scope == "any" else worst
        by_name = {name: worst([found.verdict for found in own if found.candidate == name]) for name in names}
        verdict = combine(list(by_name.values()))
        leader = _leader([found for found in own if by_name[found.candidate] == verdict])
        kept += [found for found in own if found.candidate == leader.candidate]
        if rule.id in gate.decides:
            verdicts.append(verdict)
    verdict = worst(verdicts)
    go = sum(found == "GO" for found in verdicts)
    sentence = f"{go} of {len(verdicts)} deciding rules hold"
    if verdict != "GO":
        sentence += f"; {_why(gate, verdict, kept)}"
    return GateResult(gate, verdict, f"{sentence}.", tuple(kept), {})


def _leader(findings: list[Finding]) -> Finding:
    """The one with the best number."""

    def merit(found: Finding) -> float:
        if found.reading is None:
            return -float("inf")
        return found.reading.value if found.rule.direction == "higher" else -found.reading.value

    return max(findings, key=merit)


def _by_outcome(gate: Gate, findings: list[Finding], subjects: list[str]) -> GateResult:
    verdicts = {name: _together(gate, name, findings) for name in subjects}
    for outcome in gate.outcomes:
        if all(_holds(condition, gate, findings, subjects) for condition in outcome.when):
            verdict: Verdict = outcome.verdict  # type: ignore[assignment]
            return GateResult(gate, verdict, f"{outcome.action}.", tuple(findings), verdicts, outcome)
    measured = any(found.verdict != "NOT MEASURED" for found in findings if found.rule.id in gate.decides)
    open_verdict: Verdict = "INCONCLUSIVE" if measured else "NOT MEASURED"
    sentence = f"no branch holds yet: {_why(gate, open_verdict, findings)}."
    return GateResult(gate, open_verdict, sentence, tuple(findings), verdicts)


def _holds(condition: Condition, gate: Gate, findings: list[Finding], subjects: list[str]) -> bool:
    rules = [rule for rule in gate.rules if rule.id in condition.rules]
    about = [name for name in subjects if all(rule.fits(name) for rule in rules)]
    count = sum(all(_verdict_of(rule, name, findings) in condition.verdicts for rule in rules) for name in about)
    wanted = {
        "any": count >= 1,
        "all": bool(about) and count == len(about),
        "one": count == 1,
        "several": count > 1,
    }
    return wanted[condition.candidates]


def _scores(gate: Gate, findings: list[Finding], subjects: list[str]) -> dict[str, tuple[float, float]] | None:
    weighted = [rule for rule in gate.rules if rule.weight is not None]
    if not weighted:
        return None
    found = {}
    for name in subjects:
        by_rule = [(float(rule.weight or 0), _verdict_of(rule, name, findings)) for rule in weighted]
        sure = sum(weight for weight, verdict in by_rule if verdict == "GO")
        lost = sum(weight for weight, verdict in by_rule if verdict == "NO-GO")
        total = sum(weight for weight, _ in by_rule)
        found[name] = (sure / total, (total - lost) / total)
    return found


def _why(gate: Gate, verdict: Verdict, findings: list[Finding]) -> str:
    """The first deciding finding of that verdict."""
    for found in findings:
        if found.verdict == verdict and found.rule.id in gate.decides:
            who = f" of {found.candidate}" if found.candidate else ""
            return f"{found.rule.label}{who}: {found.reason}"
    return "nothing was measured"


def few(names: list[str]) -> str:
    """Some names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
