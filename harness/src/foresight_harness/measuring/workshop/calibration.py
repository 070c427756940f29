"""What controls say of a suite's probe on one data set, kept for every cell that is measured with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from foresight_harness.contracts.outcomes import Outcome
from foresight_harness.planning.candidates import ResolvedCandidate


@dataclass(frozen=True)
class Calibration:
    """Floor and ceiling of each metric on one data set, and whether the probe can be believed there."""

    floor: Mapping[str, float]
    ceiling: Mapping[tuple[str, str | None], float]
    """By metric and probe."""
    ok: bool
    """Of the suite's own probe."""
    sentences: tuple[str, ...]
    """One a control: what it scored, what was expected."""
    others: Mapping[str | None, bool] = field(default_factory=dict)
    """The same of the other probes that were asked for."""
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    """What was measured on each control, by cell id, so that its own cell need not measure again."""
    candidates: tuple[ResolvedCandidate, ...] = ()
    """The controls themselves: they are recorded in every run, planned or not."""
