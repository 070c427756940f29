"""What people said as a file of answers, for gates that ask for it: only where they agree."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from foresight_harness.contracts.records import SCHEMA
from foresight_harness.contracts.text import one_line
from foresight_harness.judging.gates.gate import Gate, Rule, fits
from foresight_harness.judging.people.conclusions import Heard, Share


def rules_asking(gates: Sequence[Gate], heard: Heard) -> list[tuple[Gate, Rule, Share]]:
    """Rules that pages of pairs answer, each with the candidates that it is about."""
    return [
        (gate, rule, share)
        for gate in gates
        for rule in gate.rules
        for share in heard.shares
        if rule.people == share.ask and fits(share.candidates[0], gate.candidates) and rule.fits(share.candidates[0])
    ]


def as_answers(gates: Sequence[Gate], heard: Heard) -> str:
    """A file for ``--answers``: one answer a rule, candidate and data set; with none where raters agree too little."""
    parts = [f"# What people answered to page {heard.asking.page} of run {one_line(heard.asking.run)}.\n"]
    parts[0] += f"schema = {SCHEMA}\n"
    for gate, rule, share in rules_asking(gates, heard):
        if not heard.agreements[share.ask].short and share.low is not None and share.high is not None:
            parts.append("\n".join(_answer(gate, rule, share, heard)) + "\n")
    return "\n".join(parts)


def _answer(gate: Gate, rule: Rule, share: Share, heard: Heard) -> Iterator[str]:
    agreed = heard.agreements[share.ask]
    names = ", ".join(rater.name for rater in heard.raters)
    left_out = f"; {len(heard.left_out)} left out for their checks" if heard.left_out else ""
    evidence = f"{share.answers} answers to page {heard.asking.page}, {share.scenes} scenes, {share.method}{left_out}"
    yield "[[answer]]"
    yield f"gate = {_text(gate.name)}"
    yield f"rule = {_text(rule.id)}"
    yield f"candidate = {_text(share.candidates[0])}"
    yield f"dataset = {_text(share.dataset)}"
    yield f"run = {_text(heard.asking.run)}"
    yield f"value = {100 * float(share.value)!r}"
    yield f"low = {100 * float(share.low or 0.0)!r}"
    yield f"high = {100 * float(share.high or 0.0)!r}"
    yield f"n = {share.scenes}"
    yield f"agreement = [{agreed.alpha!r}, {agreed.low!r}, {agreed.high!r}]"
    yield f"who = {_text(names)}"
    yield f"when = {max(rater.when for rater in heard.raters)}"
    yield f"evidence = {_text(evidence)}"


def _text(text: str) -> str:
    """A basic string of TOML: JSON's escapes are among its own, and what it forbids unescaped is taken out before."""
    return json.dumps(one_line(text), ensure_ascii=False)
