"""What an engine offers the driver: places to work, and news of units that ended. It carries keys, never tensors."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Job = Mapping[str, Any]
"""JSON types only; see ``engine.work.run_job``."""


@dataclass(frozen=True)
class Ended:
    """A slot has finished its job, or has lost it."""

    slot: int
    outcome: Literal["done", "lost", "moved", "unwritable"]
    """``unwritable``: the run folder takes no more, which another worker would only find again. ``moved``: the machine
    below the worker is gone, which is no cell's fault."""
    reason: str = ""


class Executor(Protocol):
    """Slots that each carry out one job at a time, in a process of their own."""

    slots: int

    @property
    def retired(self) -> Set[int]:
        """Slots that get no job any more: the machine that they were on is gone."""
        ...

    def start(self) -> None:
        """Check that the slots can be had, and start them. Raises: UsageError in one line."""
        ...

    def submit(self, slot: int, job: Job) -> None:
        """Hand a job to an idle slot."""
        ...

    def wait(self, timeout_s: float) -> list[Ended]:
        """What ended, waiting at most that long. A slot whose worker died is given a new one, where there is room.

        Raises:
            EngineGone: where no slot is left.
        """
        ...

    def kill(self, slot: int) -> None:
        """End a slot's worker at once, and give the slot a new one. Its job is not reported any more."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...
