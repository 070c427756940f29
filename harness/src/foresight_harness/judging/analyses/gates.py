"""Analysis ``gates``: the gates that a run was asked for, judged from its records and samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.judging.gates.evaluate import GateResult, evaluate
from foresight_harness.judging.gates.finding import Finding
from foresight_harness.judging.gates.gate_files import kept_answers, kept_gates
from foresight_harness.running.run_folder.run_data import RunData

COLUMNS = (
    Column("gate", "gate"),
    Column("rule", "rule"),
    Column("candidate", "candidate"),
    Column("suite", "suite"),
    Column("dataset", "data set"),
    Column("metric", "metric"),
    Column("probe", "probe"),
    Column("bound", "bound"),
    Column("direction", "better"),
    Column("measured", "measured"),
    Column("verdict", "verdict"),
    Column("needed_n", "samples needed"),
    Column("source", "source"),
    Column("reason", "reason"),
    Column("twin", "its twin"),
    Column("pixels", "raw pixels"),
    Column("missing", "missing"),
    Column("answered", "answered"),
)


def analyse(run: RunData) -> Analysis | None:
    """Judge every gate of the run; None where it was asked for none. Raises: RunFolderError."""
    from foresight_harness.planning.registry import load_registry

    if not run.manifest.get("gates"):
        return None
    gates = kept_gates(run.path, run.manifest, load_registry())
    answers = kept_answers(run.path, run.manifest, gates)
    return as_analysis([evaluate(gate, run, answers) for gate in gates])


def as_analysis(results: Sequence[GateResult]) -> Analysis:
    """Results in the common form."""
    counts = Counter(result.verdict for result in results)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in counts)
    worst = next((found for found in results if found.verdict == "NO-GO"), results[0])
    caveats = [caveat for found in results for caveat in _caveats(found)]
    return Analysis(
        kind="gates",
        title="Gates",
        finding=f"{len(results)} gates: {said}. {worst.gate.title}: {worst.sentence}",
        caveats=tuple(caveats),
        inputs={
            "method": "GO where the whole interval is on the good side of the bound, NO-GO where it is on the bad one; "
            "95 %, exact for proportions, widened by Bonferroni where the best of several candidates counts",
            "suites": sorted({rule.suite for found in results for rule in found.gate.rules if rule.suite}),
        },
        columns=COLUMNS,
        rows=tuple(_row(result, found) for result in results for found in result.findings),
        further={"gates": [_summary(result) for result in results]},
    )


def _caveats(result: GateResult) -> Iterator[str]:
    """What a reader must know beside the verdict."""
    short = [found for found in result.findings if found.missing and not found.rule.by_person]
    if short:
        yield f"{result.gate.name}: {len(short)} numbers cannot count as they are, such as: {short[0].missing[0]}"
    if not result.gate.needs.stated:
        yield f"{result.gate.name} states no needs: nothing is asked of its evidence but published weights"


def _summary(result: GateResult) -> dict[str, Any]:
    gate = result.gate
    return {
        "name": gate.name,
        "title": gate.title,
        "source": gate.source,
        "digest": gate.digest,
        "verdict": result.verdict,
        "finding": result.sentence,
        "decision": gate.decision,
        "outcome": result.outcome.action if result.outcome else None,
        "candidates": dict(result.by_candidate),
        "scores": {name: {"sure": low, "possible": high} for name, (low, high) in (result.scores or {}).items()}
        or None,
    }


def _row(result: GateResult, found: Finding) -> dict[str, Any]:
    rule = found.rule
    person = rule.by_person and not rule.wants_number
    reading = found.reading
    compared = {"difference": " minus ", "ratio": " over "}.get(rule.compare, "")
    against = (found.reference or " or ".join(rule.reference)) if compared else ""
    return {
        "gate": result.gate.name,
        "rule": rule.label,
        "candidate": found.candidate,
        "suite": rule.suite or None,
        "dataset": found.dataset,
        "metric": f"{rule.metric}{compared}{against}" or None,
        "probe": rule.probe,
        "bound": None if person else rule.bound,
        "direction": None if person else rule.direction,
        "measured": Measured(reading.value, reading.low, reading.high, reading.n, reading.method) if reading else None,
        "verdict": found.verdict,
        "needed_n": found.needed_n,
        "source": f"{result.gate.document}:{rule.line} ({rule.quote})",
        "reason": found.reason,
        "twin": _beside(found, "twin"),
        "pixels": _beside(found, "pixels"),
        "missing": list(found.missing) or None,
        "answered": found.answered.source if found.answered else None,
    }


def _beside(found: Finding, rival: str) -> Measured | None:
    """The score of a rival on the same pictures."""
    reading = found.beside.get(rival)
    return Measured(reading.value, reading.low, reading.high, reading.n, reading.method) if reading else None
