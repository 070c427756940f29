"""From gates to one of PROCEED, PIVOT, ABORT, CANNOT SAY a proposal, as JSON types that pages are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foresight_harness.contracts.records import SCHEMA
from foresight_harness.judging.decisions.criteria import WORDS, criteria_of
from foresight_harness.judging.decisions.joined import joined
from foresight_harness.judging.decisions.next_run import next_run
from foresight_harness.judging.decisions.proposal import Branch, Proposal
from foresight_harness.judging.gates.answers import Answers
from foresight_harness.judging.gates.deciding import GateResult
from foresight_harness.judging.gates.evaluate import evaluate
from foresight_harness.judging.gates.gate import Gate
from foresight_harness.planning.registry import Registry
from foresight_harness.running.run_folder.run_data import RunData

STANDS = (
    ("GO", "met"),
    ("MARGINAL", "borderline"),
    ("NO-GO", "not met"),
    ("INCONCLUSIVE", "open"),
    ("NOT MEASURED", "not measured"),
)
"""How gates stand where no branch holds, in the words of the page."""
ALONE = "So far that is the model in use today alone; the others are still to be measured, or fell short."


def decide(
    proposals: Sequence[Proposal],
    gates: Sequence[Gate],
    runs: Sequence[RunData],
    answers: Answers,
    registry: Registry,
    matrices: Sequence[Path] = (),
    device: str = "cpu",
) -> dict[str, Any]:
    """What the documents' own decision trees say of these runs.

    Args:
        proposals: With the branches of their trees.
        gates: Every gate that they are decided by.
        runs: Read as one.
        answers: What only people can know.
        registry: What is on offer, for the run that would settle what is open.
        matrices: Folders of matrices, likewise.
        device: That this run would use.

    Returns:
        The content of ``decision.json``.

    Raises:
        UsageError: where a run is named twice.
        RunFolderError: where samples are damaged.
    """
    data = joined(runs)
    wanted = {name for proposal in proposals for name in proposal.gates}
    results = {gate.name: evaluate(gate, data, answers) for gate in gates if gate.name in wanted}
    found = [_proposal(one, results, next_run(_own(one, results), registry, matrices, device)) for one in proposals]
    return {
        "schema": SCHEMA,
        "kind": "decision",
        "headline": headline(found),
        "runs": [_run(run) for run in runs],
        "weights": sorted({kind for record in data.records if record.is_candidate for kind in record.weights}),
        "answers": {"given": answers.count, "digest": answers.digest or None},
        "proposals": found,
        "matrix": next((_matrix(results[one.matrix]) for one in proposals if one.matrix), None),
    }


def headline(proposals: Sequence[Mapping[str, Any]]) -> str:
    """The conclusion in a sentence or two."""
    said = []
    for answer, words in (("PROCEED", "can go on"), ("PIVOT", "should change course"), ("ABORT", "should stop")):
        names = [str(one["proposal"]) for one in proposals if one["answer"] == answer and not one.get("alone")]
        if names:
            said.append(f"{_listed(names)} {words}.")
    alone = [str(one["proposal"]) for one in proposals if one.get("alone")]
    if alone:
        said.append(f"For {_listed(alone)} no other model than the one in use today speaks so far.")
    open_ones = [str(one["proposal"]) for one in proposals if one["answer"] == "CANNOT SAY"]
    if not said:
        return "These measurements decide none of the proposals yet."
    if open_ones:
        said.append(f"Of {_listed(open_ones)} nothing can be said yet.")
    return " ".join(said)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _run(run: RunData) -> dict[str, Any]:
    started, scale = run.manifest.get("started"), run.manifest.get("scale")
    return {
        "run": str(run.manifest.get("run") or run.path.name),
        "started": started if isinstance(started, str) else None,
        "scale": scale if isinstance(scale, str) else None,
    }


def _own(proposal: Proposal, results: Mapping[str, GateResult]) -> list[GateResult]:
    """Its gates, the first to be settled first."""
    return [results[name] for name in proposal.gates]


def _proposal(proposal: Proposal, results: Mapping[str, GateResult], run: Mapping[str, Any] | None) -> dict[str, Any]:
    own = _own(proposal, results)
    branch = branch_of(proposal, results)
    criteria = [row for result in own for row in criteria_of(result)]
    open_rows = [row for row in criteria if row["decides"] and row["verdict"] in ("INCONCLUSIVE", "NOT MEASURED")]
    return {
        "name": proposal.name,
        "proposal": proposal.label,
        "title": proposal.title,
        "question": proposal.question,
        "document": proposal.document,
        "answer": branch.answer if branch else "CANNOT SAY",
        "say": _said(proposal, branch, results) if branch else unsettled([result.verdict for result in own]),
        "alone": _alone(proposal, branch, results),
        "quote": branch.quote if branch else None,
        "line": branch.line if branch else None,
        "by": [condition.gate for condition in branch.when] if branch else [],
        "gates": [_gate(result) for result in own],
        "criteria": criteria,
        "missing": list(dict.fromkeys(_lacking(row) for row in open_rows if not row["person"])),
        "ask": [
            {key: row[key] for key in ("gate", "rule", "label", "ask")}
            for row in criteria
            if row["person"] and row["answered"] is None
        ],
        "next": run,
        "budget": proposal.budget or None,
    }


def unsettled(verdicts: Sequence[str]) -> str:
    """How far the checks of a proposal are, where no branch of its tree holds."""
    if set(verdicts) in ({"INCONCLUSIVE"}, {"NOT MEASURED"}):
        return (
            f"None of its {len(verdicts)} checks {'is settled' if 'INCONCLUSIVE' in verdicts else 'was measured'} yet."
        )
    counts = [(words, verdicts.count(verdict)) for verdict, words in STANDS if verdict in verdicts]
    return f"Of its {len(verdicts)} checks, {_listed([f'{n} {_verb(words, n)} {words}' for words, n in counts])}."


def _verb(words: str, n: int) -> str:
    return ("was" if n == 1 else "were") if words == "not measured" else ("is" if n == 1 else "are")


def _said(proposal: Proposal, branch: Branch, results: Mapping[str, GateResult]) -> str:
    """The branch in words; where a choice of models goes on by the model in use alone, that too."""
    return f"{branch.say} {ALONE}" if _alone(proposal, branch, results) else branch.say


def _alone(proposal: Proposal, branch: Branch | None, results: Mapping[str, GateResult]) -> bool:
    """Whether a choice of models goes on, and by the model in use alone."""
    if branch is None or branch.answer != "PROCEED" or not proposal.matrix:
        return False
    passing = {
        _encoders(name)
        for condition in branch.when
        for name, verdict in results[condition.gate].by_candidate.items()
        if verdict == "GO"
    }
    return bool(passing) and passing <= _present(results[proposal.matrix])


def branch_of(proposal: Proposal, results: Mapping[str, GateResult]) -> Branch | None:
    """The branch that is taken: the first whose conditions all hold; None where none does."""
    return next((one for one in proposal.branches if _holds(one, results)), None)


def _holds(branch: Branch, results: Mapping[str, GateResult]) -> bool:
    return all(results[condition.gate].verdict in condition.verdicts for condition in branch.when)


def _lacking(row: Mapping[str, Any]) -> str:
    return f"{row['label']}: {row['missing'][0] if row['missing'] else row['reason']}"


def _gate(result: GateResult) -> dict[str, Any]:
    return {
        "name": result.gate.name,
        "title": result.gate.title,
        "section": result.gate.section,
        "verdict": result.verdict,
        "word": WORDS[result.verdict],
        "sentence": result.sentence,
    }


def _matrix(result: GateResult) -> dict[str, Any]:
    """The weighted matrix: of each candidate the share of the weights that is sure, and that is still possible."""
    weighted = [rule for rule in result.gate.rules if rule.weight is not None]
    present = _present(result)
    rows = []
    for name, (sure, possible) in (result.scores or {}).items():
        by = {
            rule.id: next(
                (f.verdict for f in result.findings if f.rule is rule and f.candidate == name), "NOT MEASURED"
            )
            for rule in weighted
        }
        rows.append(
            {
                "candidate": name,
                "sure": sure,
                "possible": possible,
                "criteria": by,
                "present": _encoders(name) in present,
            }
        )
    return {
        "gate": result.gate.name,
        "title": result.gate.title,
        "weights": [
            {"rule": rule.id, "label": rule.label, "plain": rule.fact.plain or None, "weight": rule.weight}
            for rule in weighted
        ],
        "rows": sorted(rows, key=lambda row: (-row["sure"], -row["possible"], row["candidate"])),
    }


def _present(result: GateResult) -> set[str]:
    """Encoders of the model in use: what candidates are compared with."""
    return {_encoders(found.reference) for found in result.findings if found.reference}


def _encoders(candidate: str) -> str:
    """Of a candidate, without the places where they are read."""
    streams = candidate.partition("/")[0].split("+")
    return "+".join(stream.partition("@")[0] for stream in streams)
