"""A gate on a run: every rule on every candidate, then one verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from foresight_harness.contracts.records import Record
from foresight_harness.judging.evidence.derived import DIVERGED
from foresight_harness.judging.evidence.missing import barred, evidence_of, right_decoder, weights_missing
from foresight_harness.judging.gates.answers import NO_ANSWERS, Answers
from foresight_harness.judging.gates.by_people import fitting, of_people
from foresight_harness.judging.gates.deciding import GateResult, decided, few
from foresight_harness.judging.gates.finding import Finding
from foresight_harness.judging.gates.gate import Gate, Rule, fits
from foresight_harness.judging.gates.measure import read, records_for, records_of, vouched_for, within_size
from foresight_harness.judging.gates.verdict import Reading, judge
from foresight_harness.judging.gates.vocabulary import CONVERGED, STEPS
from foresight_harness.running.run_folder.run_data import RunData, measured_candidates

__all__ = ["GateResult", "evaluate"]


def evaluate(gate: Gate, run: RunData, answers: Answers = NO_ANSWERS) -> GateResult:
    """Judge a run. Raises: RunFolderError where its samples cannot be read."""
    subjects = [name for name in measured_candidates(run.all_records) if fits(name, gate.candidates)]
    # Pipelines that end elsewhere are no matter for the gate, unless there are no others.
    subjects = [name for name in subjects if right_decoder(gate.needs, name)] or subjects
    findings = [finding for rule in gate.rules for finding in _findings(gate, rule, run, subjects, answers)]
    result = decided(gate, findings, subjects)
    return replace(result, sentence=result.sentence + _vouching(result.findings))


def _vouching(findings: Sequence[Finding]) -> str:
    """What the verdict must say where a person's word stands for a published hash."""
    names = list(dict.fromkeys(name for found in findings for name in found.trusted))
    return f" Weights of {few(names)} are trusted by --trust-weights, not known as published." if names else ""


def _findings(gate: Gate, rule: Rule, run: RunData, subjects: list[str], answers: Answers) -> list[Finding]:
    if rule.by_person:
        return of_people(gate, rule, run, subjects, answers.of(gate.name, rule.id))
    records = records_of(run, rule)
    names = [name for name in subjects if rule.fits(name)]
    names = [name for name in names if right_decoder(rule.needs, name)] or names
    pairs = [
        (name, record)
        for name in names
        for record in fitting(run, rule, records_for(run, [entry for entry in records if entry.is_candidate], name))
        if within_size(rule, record)
    ]
    failed = _failed(rule, run, names)
    if not pairs:
        return failed or [
            Finding(rule, None, rule.dataset, None, "NOT MEASURED", _what_to_run(gate, rule, records, run))
        ]
    # Decoders that share a score are one contender; every data set is asked for, so it adds none.
    contenders = len({record.candidate for _, record in pairs if record.gateable})
    widen = contenders if gate.scope == "any" else 1
    if gate.family:
        widen = max(1, widen) * sum(not one.by_person for one in gate.deciding())
    return [*(_finding(run, rule, name, record, records, widen) for name, record in pairs), *failed]


def _failed(rule: Rule, run: RunData, names: list[str]) -> list[Finding]:
    """Candidates whose cell failed: without them the best, and "all of them", would be of those that are left."""
    records = [record for record in run.all_records if record.suite == rule.suite and not record.ok]
    return [
        _of_failure(rule, name, record)
        for name in names
        for record in records_for(run, records, name)
        if rule.dataset in (None, record.dataset)
    ]


def _of_failure(rule: Rule, name: str, record: Record) -> Finding:
    said = f"its cell {record.status}: {record.error:.200}"
    if rule.metric in (CONVERGED, STEPS) and DIVERGED in (record.error or "") and not weights_missing(record):
        worst = 0.0 if rule.metric == CONVERGED else float("inf")
        return Finding(rule, name, record.dataset, Reading(worst, None, None, 1, None), "NO-GO", said)
    return Finding(rule, name, record.dataset, None, "NOT MEASURED", said)


def _finding(run: RunData, rule: Rule, name: str, record: Record, pool: list[Record], contenders: int) -> Finding:
    found = read(run, rule, record, pool, contenders)
    shared: dict[str, Any] = {"rule": rule, "candidate": name, "dataset": record.dataset}
    shared["reference"] = found.reference.candidate if found.reference else None
    if found.reading is None:
        reason = found.reason or "no sample has a value"
        return Finding(reading=None, verdict="NOT MEASURED", reason=reason, **shared)
    judged = judge(rule, found.reading)
    shared |= {"reading": found.reading, "would_be": judged.verdict}
    reference = [found.reference] if found.reference else []
    if said := next((line for one in (record, *reference) if (line := barred(one))), None):
        return Finding(verdict="NOT MEASURED", reason=f"would be {judged.verdict}, not gateable: {said}", **shared)
    evidence = evidence_of(run, rule, name, record, found.reading, judged.verdict == "GO")
    lacking = (*evidence.missing, *(line for one in reference if (line := weights_missing(one))))
    shared["beside"] = evidence.beside
    shared["trusted"] = tuple(dict.fromkeys(model for one in (record, *reference) for model in vouched_for(one)))
    if lacking:
        more = f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else ""
        reason = f"would be {judged.verdict}; missing: {lacking[0]}{more}"
        return Finding(verdict="INCONCLUSIVE", reason=reason, missing=lacking, **shared)
    return Finding(verdict=judged.verdict, reason=judged.reason, needed_n=judged.needed_n, **shared)


def _what_to_run(gate: Gate, rule: Rule, records: list[Record], run: RunData) -> str:
    """Why there is no number, and the command that makes one."""
    if rule.metric == "lpips" and run.select(metric="lpips_random_trunk"):
        return (
            "lpips_random_trunk stands in and has no LPIPS units: get LPIPS's trunk by foresight-bench weights fetch "
            "lpips_alex"
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
