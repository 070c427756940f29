"""The cheapest run that would settle what is open: its command, and how long it is predicted to take."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import ForesightError
from foresight_harness.judging.evidence.missing import right_decoder
from foresight_harness.judging.gates.deciding import GateResult
from foresight_harness.judging.gates.gate import Gate, Rule, fits
from foresight_harness.planning.candidates import ResolvedCandidate, Selection, select_candidates
from foresight_harness.planning.options.run_options import run_options
from foresight_harness.planning.plan import all_cells_of
from foresight_harness.planning.registry import Registry
from foresight_harness.running.costs.accounting import predicted
from foresight_harness.running.costs.predicting import Prediction

SCALE, WEIGHTS = "full", "pretrained"
DATASETS = {"clips": "moving_shapes", "stills": "shapes", "any": "shapes"}
"""What is measured on where a rule names no data set; a user's own may stand in its place."""
NO_CARD = "not measured on a card"


def next_run(
    results: Sequence[GateResult], registry: Registry, matrices: Sequence[Path], device: str = "cpu"
) -> dict[str, Any] | None:
    """The run that the first open gate waits for; None where nothing that a run could measure is open.

    Args:
        results: Of a proposal's gates, the first to be settled first.
        registry: What is on offer: a candidate of a plugin that is not installed cannot be planned, and is not.
        matrices: Folders of matrices.
        device: That the run would use: of a card, its hours are those of cells that were measured on it.
    """
    for result in results:
        rules = _open(result)
        if rules:
            return _of_gate(result.gate, rules, registry, matrices, device)
    return None


def _open(result: GateResult) -> list[Rule]:
    """Deciding rules of an open gate that a run would measure."""
    if result.verdict not in ("INCONCLUSIVE", "NOT MEASURED"):
        return []
    waiting = {
        found.rule.id for found in result.findings if found.verdict in ("INCONCLUSIVE", "NOT MEASURED", "MARGINAL")
    }
    return [rule for rule in result.gate.deciding() if rule.id in waiting and not rule.by_person]


def _of_gate(
    gate: Gate, rules: Sequence[Rule], registry: Registry, matrices: Sequence[Path], device: str
) -> dict[str, Any]:
    suites = list(dict.fromkeys(rule.suite for rule in rules))
    dataset = next((rule.dataset for rule in rules if rule.dataset), DATASETS[gate.needs.input])
    said: dict[str, Any] = {"gate": gate.name, "why": f"it settles {gate.title}"}
    words = ["pytest", "benchmarks/", "-k", " or ".join(suites)]
    if gate.matrix:
        words += ["--matrix", gate.matrix]
    tail = ["--dataset", dataset, "--scale", SCALE, "--weights", WEIGHTS, "--gate", gate.name]
    tail += [] if device == "cpu" else ["--device", device]
    try:
        selection = select_candidates(registry, [], gate.matrix or None, matrices, SCALE)
        chosen, time = _cheapest(gate, rules, suites, dataset, selection, registry, device)
    except (ForesightError, OSError, ValueError) as error:  # a plan that cannot be made is no reason to say nothing
        return (
            said | _command([*words, *tail]) | _untimed(f"the plan cannot be made here: {' '.join(str(error).split())}")
        )
    if chosen is None:
        return (
            said | _command([*words, *tail]) | _untimed("no installed plugin offers a candidate that the gate is about")
        )
    return said | _command([*words, *(word for name in chosen for word in ("--candidate", name)), *tail]) | time


def _command(words: Sequence[str]) -> dict[str, Any]:
    return {"command": shlex.join(words)}


def _untimed(reason: str) -> dict[str, Any]:
    return {"seconds": None, "low": None, "high": None, "measured": False, "reason": reason} | _card(None)


def _card(hours: float | None) -> dict[str, Any]:
    """Hours of a graphics card, or why there is no number."""
    return {"gpu_hours": hours, "gpu": NO_CARD if hours is None else "of this machine's card, as it measured the like"}


def _cheapest(
    gate: Gate,
    rules: Sequence[Rule],
    suites: Sequence[str],
    dataset: str,
    selection: Selection,
    registry: Registry,
    device: str,
) -> tuple[list[str] | None, dict[str, Any]]:
    """The candidates with the least predicted time, what they are compared with, and the time of all together.

    One candidate answers all rules of a gate about a candidate; of a gate about rules each has its own.
    """
    options = run_options({"dataset": (dataset,), "weights": WEIGHTS, "device": device}, selection)
    kinds = [registry.suite(suite) for suite in suites]

    def time(chosen: Sequence[ResolvedCandidate]) -> Prediction:
        found = all_cells_of(selection._replace(candidates=tuple(chosen), only={}), kinds, registry, options)
        return predicted(found, options)

    picked: dict[str, ResolvedCandidate] = {}
    for group in [[rule] for rule in rules] if gate.subject == "rule" else [list(rules)]:
        able = [one for one in selection.candidates if is_about(gate, group, one)]
        able = [one for one in able if str(one) in picked] or able  # one that is scored anyway costs nothing more
        cheapest = min(able, key=lambda one: time([one]).seconds, default=None)
        if cheapest is None:
            return None, {}
        picked |= {str(one): one for one in (cheapest, *_references(group, selection))}
    found = time(list(picked.values()))
    sure, on_card = found.measured == found.cells, device != "cpu"
    told = {"seconds": found.seconds, "low": found.low, "high": found.high, "measured": sure}
    return list(picked), {
        **told,
        **_card(found.seconds / 3600 if sure and on_card else None),
        "reason": f"of {'a card' if on_card else 'a processor'} like this machine's, from cells that it has measured"
        if sure
        else "guessed for a processor like this machine's; a graphics card is faster",
    }


def is_about(gate: Gate, rules: Sequence[Rule], candidate: ResolvedCandidate) -> bool:
    """Whether a candidate that is not scored yet could settle rules of a gate."""
    name = str(candidate)
    needs = [gate.needs, *(rule.needs for rule in rules)]
    wanted = gate.subject == "rule" or all(rule.fits(name) for rule in rules)
    return (
        candidate.role == "candidate"
        and fits(name, gate.candidates)
        and wanted
        and all(right_decoder(need, name) for need in needs)
        and all(_of_size(rule, candidate) for rule in rules)
    )


def _of_size(rule: Rule, candidate: ResolvedCandidate) -> bool:
    """Whether an adapter of a stated size suits a rule; the size of any other is not known before it is built."""
    size = candidate.decoder.adapter_params
    if rule.trained_at_least is not None:
        return (size or 0) >= 0.95 * rule.trained_at_least
    return rule.trained_at_most is None or size is None or size <= 1.05 * rule.trained_at_most


def _references(rules: Sequence[Rule], selection: Selection) -> list[ResolvedCandidate]:
    """One candidate for each comparison that a rule asks for."""
    found = []
    for rule in rules:
        if rule.compare:
            able = [one for one in selection.candidates if one.role == "candidate" and fits(str(one), rule.reference)]
            found += [one for one in able if right_decoder(rule.needs, str(one))][:1] or able[:1]
    return list({str(one): one for one in found}.values())
