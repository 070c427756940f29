"""What cells cost: measured on this machine where they were run before, else a guess that says so. Imports no torch."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foresight_harness.options import RunOptions
from foresight_harness.run.plan import PlannedCell

BOOK = "costs.json"
GUESS_S = {"efficiency": 1.0, "spatial": 1.5, "alignment": 0.7, "reconstruction": 1.0}
"""Seconds of a closed-form cell at smoke scale on two cores; only until the machine has measured its own."""
GUESS_TRAINED_S = 2.0
"""Seconds that 25 steps add, per seed."""
KEPT = 20
"""Measurements a key keeps: the latest say most about the machine as it is."""


@dataclass
class CostBook:
    """Median seconds of a cell by what decides them."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    path: Path | None = None

    @classmethod
    def beside(cls, cache: Path) -> CostBook:
        """The book of a cache folder; an unreadable one is an empty one, since it only predicts."""
        path = cache / BOOK
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            seconds = {str(key): [float(value) for value in values] for key, values in found["seconds"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            seconds = {}
        return cls(seconds, path)

    def cell_s(self, cell: PlannedCell, options: RunOptions) -> float:
        """Predicted seconds of a cell, its share of extraction included."""
        known = self.seconds.get(cost_key(cell, options))
        return _median(known) if known else guess_s(cell, options)

    def measured(self, cells: Iterable[PlannedCell], options: RunOptions) -> int:
        """How many of these cells the book has measurements for."""
        return sum(cost_key(cell, options) in self.seconds for cell in cells)

    def add(self, cell: PlannedCell, options: RunOptions, seconds: float) -> None:
        """Remember what a cell took."""
        values = self.seconds.setdefault(cost_key(cell, options), [])
        values.append(round(seconds, 3))
        del values[:-KEPT]

    def save(self) -> None:
        """Write the book in one step; a full or read-only disk only costs the prediction."""
        if self.path is None or not self.seconds:
            return
        fresh = self.path.with_name(f".{BOOK}.{os.getpid()}.{secrets.token_hex(3)}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps({"seconds": self.seconds}, sort_keys=True), encoding="utf-8")
            fresh.replace(self.path)
        except OSError:
            fresh.unlink(missing_ok=True)


def cost_key(cell: PlannedCell, options: RunOptions) -> str:
    """What decides the cost of a cell: suite, sizes, device, modules, and the decoder where it is read."""
    sizes = options.sizes
    facts: Mapping[str, Any] = {
        "suite": cell.suite.name,
        "train": sizes.train,
        "test": sizes.test,
        "px": sizes.canvas_px,
        "steps": sizes.steps,
        "seeds": sizes.seeds,
        "device": options.device,
        "enhancer": cell.candidate.enhancer.name,
        "fusion": cell.candidate.fusion.name,
        "streams": len(cell.candidate.streams),
        "decoder": cell.candidate.candidate.decoder if cell.suite.uses_decoder else None,
        "dataset": cell.dataset.name,
    }
    return json.dumps(facts, sort_keys=True)


def guess_s(cell: PlannedCell, options: RunOptions) -> float:
    """Seconds of a cell that nobody has measured: smoke's, scaled by pictures, pixels and steps."""
    sizes = options.sizes
    pictures = (sizes.train + sizes.test) / 224
    found = GUESS_S.get(cell.suite.name, 1.0) * pictures * (sizes.canvas_px / 128) ** 2
    trained = cell.candidate.trainable or (cell.suite.uses_decoder and cell.candidate.decoder.adapter != "linear")
    return found + (GUESS_TRAINED_S * sizes.steps / 25 * sizes.batch / 32 * sizes.seeds if trained else 0.0)


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
