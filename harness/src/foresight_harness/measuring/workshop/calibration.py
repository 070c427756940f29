"""What a suite's controls scored on one data set, kept for every cell that is measured there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from foresight_harness.contracts.outcomes import ControlVerdict, Outcome
from foresight_harness.planning.candidates import ResolvedCandidate


@dataclass(frozen=True)
class Calibration:
    """The verdict of the controls, and what it rests on."""

    verdict: ControlVerdict
    outcomes: Mapping[str, Outcome]
    """What was measured on each control, by cell id, so that its own cell need not measure again."""
    candidates: tuple[ResolvedCandidate, ...]
    """The controls themselves: they are recorded in every run, planned or not."""
