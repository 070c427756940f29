"""What every tracker does alike: one entry a candidate, numbers under stable names, marks where numbers need them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foresight_harness import hookimpl
from foresight_harness.running.exporters.tracker_terms import about, numbers_of, shown_name, texts_of

PROJECT = "foresight"
"""Project or experiment that entries are kept in."""


class Tracker(ABC):
    """Sends records to one tracker through the hook ``foresight_record``.

    Args:
        out: where run folders are written.
        run: the run's id; entries of one run are one group.
        facts: about the whole run.
    """

    name: str
    """As given to ``--export``."""

    def __init__(self, out: Path, run: str, facts: Mapping[str, str]) -> None:
        self.out, self.run, self.facts = out, run, dict(facts)
        self._entries: dict[str, Any] = {}
        self._failed: set[str] = set()

    @property
    @abstractmethod
    def place(self) -> str:
        """Where entries are kept: a folder or an address."""

    @hookimpl
    def foresight_record(self, record: Mapping[str, Any]) -> None:
        """Send one record to the entry of its candidate, which the first one opens."""
        candidate = str(record["candidate"])
        if candidate not in self._entries:
            entry = self._open(candidate, shown_name(record), self.facts | about(record))
            self._entries[candidate] = entry
        if record["status"] != "ok":
            self._failed.add(candidate)
        self._send(self._entries[candidate], numbers_of(record), texts_of(record))

    def close(self, status: str) -> None:
        """End every entry of a ``complete`` or ``interrupted`` run; one with a failed cell counts as failed."""
        for candidate, entry in self._entries.items():
            self._end(entry, status == "complete" and candidate not in self._failed)
        self._entries.clear()

    @abstractmethod
    def _open(self, candidate: str, name: str, facts: Mapping[str, str]) -> Any:
        """Open the entry of a candidate, or find that of the same run, so that ``--resume`` continues it."""

    @abstractmethod
    def _send(self, entry: Any, numbers: Mapping[str, float], texts: Mapping[str, str]) -> None:
        """Add numbers and texts to an entry."""

    @abstractmethod
    def _end(self, entry: Any, ok: bool) -> None:
        """Close an entry."""
