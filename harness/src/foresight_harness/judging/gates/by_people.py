"""Rules that people answer: one person for all that was measured, or a panel for each candidate that it was shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from foresight_harness.contracts.records import Record
from foresight_harness.judging.evidence.intervals import share_of
from foresight_harness.judging.evidence.missing import pipeline_missing, right_input, weights_missing
from foresight_harness.judging.gates.answers import Answer
from foresight_harness.judging.gates.finding import Finding
from foresight_harness.judging.gates.gate import Gate, Rule
from foresight_harness.judging.gates.measure import records_for
from foresight_harness.judging.gates.panel import Panel
from foresight_harness.judging.gates.verdict import Reading, judge
from foresight_harness.running.run_folder.run_data import RunData

SEEN = "reconstruction"
"""The suite whose pictures people look at: an answer about a pipeline counts where it was measured there."""


def of_people(
    gate: Gate, rule: Rule, run: RunData, subjects: Sequence[str], answers: Sequence[Answer]
) -> list[Finding]:
    """What people answered, where what was looked at is what the document means. One finding an answer."""
    if not answers:
        reason = f"by a person: {rule.ask} (--answers FILE; foresight-bench gate --answers-template {gate.name})"
        return [Finding(rule, None, None, None, "NOT MEASURED", reason)]
    return [_finding(gate, rule, run, [name for name in subjects if rule.fits(name)], answer) for answer in answers]


def _finding(gate: Gate, rule: Rule, run: RunData, names: Sequence[str], answer: Answer) -> Finding:
    panel = answer.panel
    shared: dict[str, Any] = {"rule": rule, "candidate": None, "dataset": None, "answered": answer}
    if panel is None:
        lacking = _nothing_seen(gate, rule, run, names)
    else:
        shared |= {"candidate": panel.candidate, "dataset": panel.dataset}
        lacking = tuple(_not_about(rule, run, names, answer, panel))
    if not rule.wants_number:
        verdict: Any = "GO" if answer.value else "NO-GO"
        reading, reason = None, f"{'yes' if answer.value else 'no'}, {answer.source}"
    else:
        reading = _as_reading(rule, answer)
        judged = judge(rule, reading)
        verdict, reason = judged.verdict, f"{judged.reason}; {answer.source}"
    shared |= {"reading": reading, "would_be": verdict}
    if lacking:
        reason = f"would be {verdict}; missing: {lacking[0]}"
        return Finding(verdict="INCONCLUSIVE", reason=reason, missing=lacking, **shared)
    return Finding(verdict=verdict, reason=reason, **shared)


def _nothing_seen(gate: Gate, rule: Rule, run: RunData, names: Sequence[str]) -> tuple[str, ...]:
    """Why an answer is about nothing that was measured as the document means; empty where it is about something."""
    if not rule.needs.stated:
        return ()
    first: tuple[str, ...] = ()
    for name in names:
        for record in fitting(run, rule, records_for(run, run.select(suite=SEEN, role="candidate"), name)):
            lines = [weights_missing(record), *pipeline_missing(run, rule.needs, name, record)]
            few_seen = record.n < rule.needs.least_n
            lines.append(f"{record.n} samples, at least {rule.needs.least_n} are needed" if few_seen else None)
            found = tuple(line for line in lines if line)
            if not found:
                return ()
            first = first or found
    matrix = f" --matrix {gate.matrix}" if gate.matrix else ""
    return first or (f"no pipeline that it could be about was measured; pytest benchmarks/ -k {SEEN}{matrix}",)


def _not_about(rule: Rule, run: RunData, names: Sequence[str], answer: Answer, panel: Panel) -> Iterator[str]:
    """Why what a panel was shown is not what the rule is about."""
    if panel.run not in {record.run for record in run.all_records}:
        yield f"people were shown pictures of run {panel.run}, which is another; foresight-bench people page RUN"
        return
    shown = [
        record
        for record in records_for(run, run.select(suite=SEEN), panel.candidate)
        if record.dataset == panel.dataset
    ]
    if panel.candidate not in names or not shown:
        yield f"{panel.candidate} on {panel.dataset} is no candidate of the gate that was measured in this run"
        return
    if (answer.n or 0) < rule.needs.least_n:
        yield f"{answer.n} scenes were shown, at least {rule.needs.least_n} are needed (--keep-pictures)"
    yield from filter(None, (weights_missing(shown[0]), *pipeline_missing(run, rule.needs, panel.candidate, shown[0])))


def fitting(run: RunData, rule: Rule, records: list[Record]) -> list[Record]:
    """Records of what the document says went in; where there are none of those, all."""
    return [record for record in records if right_input(run, rule.needs, record)] or records


def _as_reading(rule: Rule, answer: Answer) -> Reading:
    """A number that people give; a share of things counted has the interval that their number leaves."""
    if answer.panel is not None:
        return Reading(float(answer.value), answer.panel.low, answer.panel.high, answer.n or 1, "by scene")
    if not rule.counted or answer.n is None:
        return Reading(float(answer.value), None, None, answer.n or 1, "answered")
    found = share_of(round(float(answer.value) / 100 * answer.n), answer.n)
    low, high = (None if end is None else 100 * end for end in (found.low, found.high))
    return Reading(100 * found.value, low, high, answer.n, found.method)
