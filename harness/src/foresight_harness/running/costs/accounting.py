"""What a session was predicted to take, beside what it then took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from foresight_harness.measuring.cache import upkeep
from foresight_harness.measuring.cache.bucket import Bucket
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.running.costs.history import CostBook
from foresight_harness.running.costs.pacing import CellKey, Expected
from foresight_harness.running.costs.predicting import (
    Prediction,
    by_cell,
    missing_features,
    predict,
    slowness_of_this_machine,
)

HELD_FROM = 2**20
"""Bytes below which a factor says nothing: an index, a label."""


def predicted(cells: Sequence[PlannedCell], options: RunOptions) -> Prediction:
    """Time, memory and disk from what the cache's cost book knows, else from guesses scaled to this machine."""
    book = CostBook.beside(options.cache)
    unmeasured = book.measured(cells, options) < len(cells) or not book.session(options.engine).measured
    return predict(cells, options, book, entries_of(options), slowness_of_this_machine() if unmeasured else 1.0)


def expected(cells: Sequence[PlannedCell], options: RunOptions, book: CostBook) -> dict[CellKey, Expected]:
    """What each cell of a session is thought to take, the first of a kind with what it does for those that follow."""
    unmeasured = book.measured(cells, options) < len(cells)
    slowness = slowness_of_this_machine() if unmeasured else 1.0
    missing = missing_features(cells, options, entries_of(options))
    return {
        (str(cell.candidate), cell.suite.name, str(cell.dataset)): Expected(
            found.seconds, f"{cell.suite.name} {first.opens} {first.extracts} {found.measured}"
        )
        for cell, first, found in by_cell(cells, options, book, missing, slowness)
    }


def entries_of(options: RunOptions) -> list[upkeep.Entry]:
    """What lies in the cache of a run."""
    place: upkeep.Place = options.cache if options.cache_url is None else Bucket(options.cache_url)
    return upkeep.entries(place) if options.cache_url is not None or options.cache.is_dir() else []


@dataclass(frozen=True)
class Account:
    """Of a session at its start."""

    prediction: Prediction
    options: RunOptions
    held_bytes: int
    """In the cache when the session began."""

    @classmethod
    def opened(cls, cells: Sequence[PlannedCell], options: RunOptions) -> Account:
        """Predict a session that is about to start with these cells."""
        return cls(predicted(cells, options), options, sum(entry.bytes for entry in entries_of(options)))

    def settled(self, seconds: float, peaks: Mapping[str, int]) -> dict[str, Any]:
        """The field ``plan`` of ``run.json``.

        Args:
            seconds: That the session took.
            peaks: Bytes of resident memory at its peak, by process. Pages that processes share count in each.
        """
        held = sum(entry.bytes for entry in entries_of(self.options))
        measured = {
            "seconds": round(seconds, 1),
            "memory_bytes": max(peaks.values(), default=0) or None,
            "memory_sum_bytes": sum(peaks.values()) or None,
            "processes": len(peaks),
            "disk_bytes": max(0, held - self.held_bytes),
        }
        times = factors(self.prediction, measured)
        return {"predicted": asdict(self.prediction), "measured": measured, "factors": times}


def factors(prediction: Prediction, measured: Mapping[str, Any]) -> dict[str, float | None]:
    """Measured over predicted; null where either is too little to say."""
    found: dict[str, float | None] = {}
    for name in ("seconds", "memory_bytes", "memory_sum_bytes", "disk_bytes"):
        least = 0 if name == "seconds" else HELD_FROM
        expected, took = getattr(prediction, name), measured[name]
        found[name] = round(took / expected, 3) if took and expected > least and took > least else None
    return found


def sentence(plan: Mapping[str, Any]) -> str:
    """One line of the summary."""
    before, after, times = plan["predicted"], plan["measured"], plan["factors"]
    parts = [f"{after['seconds']:.0f} s taken, {before['seconds']:.0f} predicted"]
    if times["memory_bytes"]:
        largest = f"{_gib(after['memory_bytes'])} GiB in the largest process"
        parts.append(f"{largest}, {_gib(before['memory_bytes'])} predicted")
    if after["processes"] > 1 and times["memory_sum_bytes"]:
        total = f"{_gib(after['memory_sum_bytes'])} GiB in all {after['processes']}"
        parts.append(f"{total}, {_gib(before['memory_sum_bytes'])} predicted")
    parts.append(f"{after['disk_bytes'] / 2**20:.0f} MiB into the cache, {before['disk_bytes'] / 2**20:.0f} predicted")
    unmeasured = before["cells"] - before["measured"]
    guessed = f" ({unmeasured} of {before['cells']} cells were guessed)" if unmeasured else ""
    return f"plan: {'; '.join(parts)}{guessed}"


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f}"
