"""One rule on one candidate."""

from __future__ import annotations

from dataclasses import dataclass

from foresight_harness.judging.gates.gate import Rule
from foresight_harness.judging.gates.verdict import Reading, Verdict


@dataclass(frozen=True)
class Finding:
    """What a rule says of a candidate on a data set."""

    rule: Rule
    candidate: str | None
    """None where nothing in the run fits the rule."""
    dataset: str | None
    reading: Reading | None
    verdict: Verdict
    reason: str
    needed_n: int | None = None
    reference: str | None = None
    """The candidate that it was compared with."""
