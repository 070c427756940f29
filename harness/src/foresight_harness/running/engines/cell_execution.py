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
    from foresight_harness.running.bench import Bench


@dataclass(frozen=True)
class Carried:
    """What came of a cell."""

    outcome: Outcome | None
    """None where the run had it already."""
    seconds: float
    """The records of controls that the cell brought about included."""
    first: First


def carry_out(bench: Bench, planned: PlannedCell, timer: Timer | None) -> Carried:
    """Score a cell. Raises: whatever ``Bench.run_cell`` raises."""
    opened, extracted = _opened(bench), sum(bench.extraction.forwards.values())
    began = time.monotonic()
    outcome = bench.run_cell(planned, timer)
    seconds = time.monotonic() - began
    first = First(_opened(bench) > opened, sum(bench.extraction.forwards.values()) > extracted)
    return Carried(outcome, seconds, first)


def _opened(bench: Bench) -> int:
    return len(bench.calibrations) + len(bench.references) + sum(bench.latents.builds.values())
