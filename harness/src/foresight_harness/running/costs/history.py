"""What cells cost: measured on this machine where they were run before, else a guess that says so. Imports no torch."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foresight_harness.parts.training.recipe import SWEEP, SWEEP_SHARE, SWEPT
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.plan import PlannedCell

BOOK = "costs.json"
GUESS_TRAINED_S = 2.0
"""Seconds that 25 steps add, per seed."""
GUESS_OPENS_S = 4.0
"""Seconds of the controls or references that the first cell of a suite on a data set measures."""
GUESS_EXTRACTS_S = 2.5
"""Seconds to build a tiny encoder and put 224 pictures through it."""
GUESS_EXTRACTS_PARAMS = 1e6
"""Parameters whose products over 256 tokens take as long again: 224 pictures at 45 billion operations a second."""
GUESS_SESSION_S = 15.0
"""Seconds of a session beside its cells: imports, plan, analysis, report."""
GUESS_FACTOR = 4.0
"""How far a guess may be off, either way."""
GUESS_POOL_S = 10.0
"""Seconds more where workers, or a cluster, have to start and import."""
SESSION = "session"
PACE = "pace"
"""Keys of how much longer than guessed cells of a kind took here: what the guesses of others are corrected by."""
KEPT = 9
"""Measurements a key keeps: the latest say most about the machine as it is."""


@dataclass(frozen=True)
class First:
    """What a cell does as the first of its kind, and those after it find done."""

    opens: bool = False
    """Calibrates its suite on its data set, or measures a decoder's references."""
    extracts: bool = False
    """Puts pictures through an encoder, which it builds for this."""


LATER = First()
FIRSTS = (First(extracts=True), First(opens=True), First(opens=True, extracts=True))
"""Of workers each opens and extracts for itself, so a cell may have been measured as a first one only."""


@dataclass(frozen=True)
class Predicted:
    """Seconds, with the least and the most that was seen or is thought possible."""

    seconds: float
    low: float
    high: float
    measured: bool
    paced: bool = False
    """Whether a guess was corrected by what others took here, so that the machine's own speed is in it."""


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

    def cell_s(self, cell: PlannedCell, options: RunOptions, first: First = LATER) -> float:
        """Predicted seconds of a cell, with what it causes as the first of its kind."""
        return self.predicted(cell, options, first).seconds

    def predicted(self, cell: PlannedCell, options: RunOptions, first: First = LATER) -> Predicted:
        """Median of what such cells took, the most alike first: with these encoders, then with any."""
        asked = (first, First(extracts=first.extracts), LATER, *FIRSTS)  # not every suite has anything to open
        for kind in dict.fromkeys(asked):
            for encoders in (True, False):
                known = self.seconds.get(cost_key(cell, options, kind, encoders=encoders))
                if known:
                    return Predicted(_median(known), min(known), max(known), measured=True)
        pace = self._pace(cell, first)
        found = guess_s(cell, options, first) * (1.0 if pace is None else pace)
        return Predicted(found, found / GUESS_FACTOR, found * GUESS_FACTOR, measured=False, paced=pace is not None)

    def _pace(self, cell: PlannedCell, first: First) -> float | None:
        """How much longer than guessed such cells took here, else any; None where none was measured."""
        known = self.seconds.get(_pace_key(cell, first))
        if known:
            return _median(known)
        every = [_median(values) for key, values in self.seconds.items() if key.startswith(f"{PACE} ") and values]
        return _median(every) if every else None

    def measured(self, cells: Iterable[PlannedCell], options: RunOptions) -> int:
        """How many of these cells the book has measurements for."""
        return sum(self.predicted(cell, options).measured for cell in cells)

    def add(self, cell: PlannedCell, options: RunOptions, seconds: float, first: First = LATER) -> None:
        """Remember what a cell took."""
        for encoders in (True, False):
            self._keep(cost_key(cell, options, first, encoders=encoders), seconds)
        self._keep(_pace_key(cell, first), seconds / guess_s(cell, options, first))

    def add_session(self, engine: str, seconds: float) -> None:
        """Remember what a session on an engine took beside its cells: imports, plan, workers, analysis, report."""
        self._keep(f"{SESSION} {engine}", seconds)

    def session(self, engine: str) -> Predicted:
        """What a session on this engine will take beside its cells; of another number of workers, else a guess."""
        kind = engine.partition(":")
        alike = [key for key in self.seconds if key.startswith(f"{SESSION} {kind[0]}:")] if kind[1] else []
        for key in (f"{SESSION} {engine}", *sorted(alike)):
            known = self.seconds.get(key)
            if known:
                return Predicted(_median(known), min(known), max(known), measured=True)
        found = GUESS_SESSION_S + (0.0 if engine == "local" else GUESS_POOL_S)
        return Predicted(found, found / GUESS_FACTOR, found * GUESS_FACTOR, False)

    def _keep(self, key: str, seconds: float) -> None:
        values = self.seconds.setdefault(key, [])
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


def cost_key(cell: PlannedCell, options: RunOptions, first: First = LATER, *, encoders: bool = False) -> str:
    """What decides the cost of a cell: suite, sizes, device, modules, what it is the first to do, and the decoder where
    it is read; of the encoders their number, or their names where asked."""
    sizes = options.sizes
    names = cell.candidate.candidate.encoders
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
        "streams": list(names) if encoders else len(cell.candidate.streams),
        "decoder": cell.candidate.candidate.decoder if cell.suite.uses_decoder else None,
        "dataset": cell.dataset.name,
        "first": [first.opens, first.extracts],
        **({"learning_rate": SWEEP} if options.learning_rate == SWEEP else {}),
        **({"probes": sorted(options.probes)} if cell.suite.probed and options.probes else {}),
        **({"metrics": sorted(options.metrics)} if "pictures" in cell.suite.compares and options.metrics else {}),
    }
    return json.dumps(facts, sort_keys=True)


def guess_s(cell: PlannedCell, options: RunOptions, first: First = LATER) -> float:
    """Seconds of a cell that nobody has measured: smoke's, scaled by pictures, pixels, steps and parameters."""
    sizes = options.sizes
    pictures = (sizes.train + sizes.test) / 224
    area = (sizes.canvas_px / 128) ** 2
    found = (cell.suite.guess_s + sum(probe.guess_s for probe in cell.probes)) * pictures * area
    if first.opens:
        found += GUESS_OPENS_S * pictures * area
    if first.extracts:
        params = sum(stream.encoder.params or 0 for stream in cell.candidate.streams)
        found += GUESS_EXTRACTS_S * pictures * (1.0 + area * params / GUESS_EXTRACTS_PARAMS)
    steps = sizes.steps * (1 + SWEEP_SHARE * len(SWEPT) if options.learning_rate == SWEEP else 1)
    return found + (GUESS_TRAINED_S * steps / 25 * sizes.batch / 32 * sizes.seeds if _is_trained(cell) else 0.0)


def _is_trained(cell: PlannedCell) -> bool:
    return cell.candidate.trainable or (cell.suite.uses_decoder and cell.candidate.decoder.adapter != "linear")


def _pace_key(cell: PlannedCell, first: First) -> str:
    """Cells whose guesses are wrong alike."""
    decoder = cell.candidate.decoder.base if cell.suite.uses_decoder else "none"
    return f"{PACE} {cell.suite.name} {decoder} {_is_trained(cell)} {first.opens} {first.extracts}"


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
