"""One cell carried out in this process, with what it took and what it was the first to do."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foresight_harness.running.costs.history import First

if TYPE_CHECKING:
    from foresight_harness.contracts.outcomes import Outcome
    from foresight_harness.measuring.workshop.cell import Timer
    from foresight_harness.planning.plan import PlannedCell
    from foresight_harness.running.keeper import RunKeeper


@dataclass(frozen=True)
class Carried:
    """What came of a cell."""

    outcome: Outcome | None
    """None where the run had it already."""
    seconds: float
    """The records of controls that the cell brought about included."""
    first: First


def carry_out(keeper: RunKeeper, planned: PlannedCell, timer: Timer | None) -> Carried:
    """Score a cell. Raises: whatever ``RunKeeper.run_cell`` raises."""
    opened, extracted = _opened(keeper), sum(keeper.workshop.extraction.forwards.values())
    began = time.monotonic()
    outcome = keeper.run_cell(planned, timer)
    seconds = time.monotonic() - began
    first = First(_opened(keeper) > opened, sum(keeper.workshop.extraction.forwards.values()) > extracted)
    return Carried(outcome, seconds, first)


def _opened(keeper: RunKeeper) -> int:
    return (
        len(keeper.workshop.calibrations)
        + len(keeper.workshop.references)
        + sum(keeper.workshop.latents.builds.values())
    )
