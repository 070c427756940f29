"""A gate on a run: every rule on every candidate, then one verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace

from foresight_harness.judging.gates.finding import Finding
from foresight_harness.judging.gates.gate import Condition, Gate, Outcome, Rule, fits
from foresight_harness.judging.gates.measure import not_gateable, read, records_for, records_of, within_size
from foresight_harness.judging.gates.verdict import Verdict, best, judge, worst
from foresight_harness.running.run_folder.run_data import Record, RunData, measured_candidates


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


def evaluate(gate: Gate, run: RunData) -> GateResult:
    """Judge a run. Raises: RunFolderError where its samples cannot be read."""
    subjects = [name for name in measured_candidates(run.all_records) if fits(name, gate.candidates)]
    findings = [finding for rule in gate.rules for finding in _findings(gate, rule, run, subjects)]
    if gate.outcomes:
        result = _by_outcome(gate, findings, subjects)
    elif gate.subject == "rule":
        result = _by_rule(gate, findings)
    else:
        result = _by_candidate(gate, findings, subjects)
    return replace(result, scores=_scores(gate, findings, subjects))


def _findings(gate: Gate, rule: Rule, run: RunData, subjects: list[str]) -> list[Finding]:
    if rule.measured_by == "person":
        return [Finding(rule, None, None, None, "NOT MEASURED", f"by a person: {rule.needs}")]
    records = records_of(run, rule)
    pairs = [
        (name, record)
        for name in subjects
        if rule.fits(name)
        for record in records_for([entry for entry in records if entry["role"] == "candidate"], name)
        if within_size(rule, record)
    ]
    failed = _failed(rule, run, [name for name in subjects if rule.fits(name)])
    if not pairs:
        return failed or [
            Finding(rule, None, rule.dataset, None, "NOT MEASURED", _what_to_run(gate, rule, records, run))
        ]
    # Decoders that share a score are one contender; every data set is asked for, so it adds none.
    contenders = len({record["candidate"] for _, record in pairs if record["gateable"]})
    widen = contenders if gate.scope == "any" else 1
    return [*(_finding(run, rule, name, record, records, widen) for name, record in pairs), *failed]


def _failed(rule: Rule, run: RunData, names: list[str]) -> list[Finding]:
    """Candidates whose cell failed: without them the best, and "all of them", would be of those that are left."""
    records = [record for record in run.all_records if record["suite"] == rule.suite and record["status"] != "ok"]
    return [
        Finding(
            rule, name, record["dataset"], None, "NOT MEASURED", f"its cell {record['status']}: {record['error']:.200}"
        )
        for name in names
        for record in records_for(records, name)
        if rule.dataset in (None, record["dataset"])
    ]


def _finding(run: RunData, rule: Rule, name: str, record: Record, pool: list[Record], contenders: int) -> Finding:
    found = read(run, rule, record, pool, contenders)
    reference = found.reference["candidate"] if found.reference else None
    shared = {"rule": rule, "candidate": name, "dataset": record["dataset"], "reference": reference}
    if found.reading is None:
        reason = found.reason or "no sample has a value"
        return Finding(reading=None, verdict="NOT MEASURED", reason=reason, **shared)
    judged = judge(rule, found.reading)
    barred = not_gateable(run, record) or (found.reference and _barred_reference(run, found.reference))
    if barred:
        reason = f"would be {judged.verdict}, not gateable: {barred}"
        return Finding(reading=found.reading, verdict="NOT MEASURED", reason=reason, **shared)
    return Finding(
        reading=found.reading, verdict=judged.verdict, reason=judged.reason, needed_n=judged.needed_n, **shared
    )


def _barred_reference(run: RunData, reference: Record) -> str | None:
    """A control may be a reference; random weights may not."""
    return not_gateable(run, reference) if reference["role"] == "candidate" else None


def _what_to_run(gate: Gate, rule: Rule, records: list[Record], run: RunData) -> str:
    """Why there is no number, and the command that makes one."""
    if rule.metric == "lpips" and run.select(metric="lpips_random_trunk"):
        return (
            "lpips_random_trunk stands in and has no LPIPS units: put torchvision's alexnet weights under "
            "$FORESIGHT_WEIGHTS/torchvision"
        )
    size = rule.trained_at_least is not None or rule.trained_at_most is not None
    globs = [glob for glob in (*gate.candidates, *rule.candidates) if glob != "*" and not glob.startswith("!")]
    about = ", ".join(f"'{glob}'" for glob in dict.fromkeys(globs))
    missing = f"no candidate {'of that size ' if size else ''}{f'like {about} ' if about else ''}in this run"
    if not records:
        missing = f"{rule.metric}{f' on {rule.dataset}' if rule.dataset else ''} is not in this run"
    matrix = f" --matrix {gate.matrix}" if gate.matrix else ""
    dataset = f" --dataset {rule.dataset}" if rule.dataset else ""
    return f"{missing}; pytest benchmarks/ -k {rule.suite}{matrix}{dataset} --scale full --weights pretrained"


def _verdict_of(rule: Rule, candidate: str, findings: list[Finding]) -> Verdict:
    """Of one candidate: on every data set that was measured."""
    return worst([found.verdict for found in findings if found.rule is rule and found.candidate == candidate])


def _together(gate: Gate, candidate: str, findings: list[Finding]) -> Verdict:
    return worst([_verdict_of(rule, candidate, findings) for rule in gate.deciding()])


def _by_candidate(gate: Gate, findings: list[Finding], subjects: list[str]) -> GateResult:
    verdicts = {name: _together(gate, name, findings) for name in subjects}
    combine = best if gate.scope == "any" else worst
    verdict = combine(list(verdicts.values()))
    passing = [name for name, found in verdicts.items() if found == "GO"]
    if verdict == "GO":
        sentence = f"{len(passing)} of {len(verdicts)} candidates pass every deciding rule: {_few(passing)}."
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


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
