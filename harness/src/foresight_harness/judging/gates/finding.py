"""One rule on one candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from foresight_harness.judging.gates.answers import Answer
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
    trusted: tuple[str, ...] = ()
    """Models whose weights count only because the user vouches for them."""
    missing: tuple[str, ...] = ()
    """What the evidence lacks, a line each, with the command that would supply it."""
    would_be: Verdict | None = None
    """What the number alone would say, where evidence is missing."""
    beside: Mapping[str, Reading] = field(default_factory=dict)
    """Scores of the ``twin`` and of ``pixels`` on the same pictures, where they were measured."""
    answered: Answer | None = None
    """Who answered, where a person did."""
