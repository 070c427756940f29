"""What the harness concluded of a board, as the page needs it."""

from __future__ import annotations

from dataclasses import dataclass

from foresight_reports.analysis.files import Measured


@dataclass(frozen=True)
class Judged:
    """What the harness concluded of one metric of a board, in its own sentences."""

    finding: str
    floors: str
    twins: str
    ceilings: str
    leader: str
    interval: Measured
    """Of the leader's mean, paid for having been chosen."""
    best: frozenset[str]
    floor: str
    """The leader against every floor: ``better``, or why not; empty where the conclusion does not say."""
    twin: str
    """The leader against its twin, likewise."""
    separation: float | None
    """Share of the pairs that are told apart."""
    saturated: bool
    detectable: float | None
    """Difference that these samples would show with 80 % power."""

    @property
    def sentences(self) -> str:
        """All of them."""
        return " ".join(filter(None, (self.finding, self.floors, self.twins, self.ceilings)))
