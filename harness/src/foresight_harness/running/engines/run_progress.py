"""Where a run stands: cells done, failed and left, and how long the rest will take. Imports no torch."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Standing:
    """Of a run at work."""

    planned: int
    done: int
    """Failed ones included."""
    failed: int
    hits: int
    """Reads of features that were in the cache."""
    left_s: float
    """Predicted from what such cells took on this machine, else guessed."""
    busy: int = 1
    workers: int = 1

    def sentence(self) -> str:
        """One line for logs."""
        return (
            f"{self.done} of {self.planned} cells, {self.failed} failed, {self.busy} of {self.workers} workers busy, "
            f"{self.hits} reads from the cache, about {clock(self.left_s)} left"
        )


class Every:
    """Says when it is time again."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        """True at most once in that many seconds."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
