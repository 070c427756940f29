"""The one driver behind every engine: which unit goes where, what is retried, what is a result."""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.text import without_secrets_in
from foresight_harness.running.costs.history import CostBook, First
from foresight_harness.running.costs.pacing import PRIOR_S, CellKey
from foresight_harness.running.engines.executor import Ended, Executor
from foresight_harness.running.engines.journal import Journal
from foresight_harness.running.engines.run_progress import Every, Standing
from foresight_harness.running.engines.units import Unit
from foresight_harness.running.engines.work import PLAN
from foresight_harness.running.run_folder.folder import writing
from foresight_harness.running.timeout import too_long

RETRIES = 2
"""Times that a cell which lost its worker is tried again on another one."""
MOVES = 5
"""Times that a unit goes to another machine because its own is gone, before its cells are suspected."""
POLL_S = 0.2
"""How long the driver waits for an end before it looks at journals and clocks."""
SAY_EVERY_S = 10.0
GRACE_S = 5.0
"""A worker ends a cell that is too long by itself where it can; only after this its process is ended."""


@dataclass(frozen=True)
class Limits:
    """When the driver steps in."""

    cell_timeout_s: float | None = None
    worker_rss_bytes: int | None = None


@dataclass
class _Running:
    """A unit at work in a slot."""

    unit: Unit
    journal: Journal
    started: float
    cell: CellKey | None = None
    since: float = 0.0
    """Monotonic time at which the driver saw the cell begin: no clock of another machine, none that is set back."""


@dataclass
class Driver:
    """Carries units out on an executor and tells what became of each cell."""

    run: Path
    executor: Executor
    units: Sequence[Unit]
    limits: Limits
    on_facts: Callable[[dict[str, Any]], None]
    """Facts of a worker that ended a unit."""
    on_lost: Callable[[CellKey, str, str, float], None]
    """A cell that has no record of its own: its key, status, one line, seconds. The caller records it."""
    say: Callable[[str], None] = lambda line: None
    costs: CostBook = field(default_factory=CostBook)
    before: int = 0
    """Planned cells that are not the driver's: finished before, or measured by the process itself at the end."""
    hits: Callable[[], int] = lambda: 0
    """Reads from the cache that workers have told of."""
    ended: dict[CellKey, str] = field(default_factory=dict)
    """Status of every cell that is through: ``ok``, or the name of what went wrong."""
    retried: Counter[CellKey] = field(default_factory=Counter)
    wall_s: dict[CellKey, float] = field(default_factory=dict)
    first: dict[CellKey, First] = field(default_factory=dict)
    """What each cell was the first to do in its process."""
    overhead_s: float = 0.0
    """Time that the driver itself has used, waiting left out."""

    def __post_init__(self) -> None:
        self._waiting = deque(self.units)
        self._running: dict[int, _Running] = {}
        self._last: dict[int, str] = {}
        self._attempts: Counter[str] = Counter()
        self._unwritten: dict[str, Any] = {}
        """What workers are handed with each unit because it holds a secret."""
        self._moved: Counter[str] = Counter()
        self._speaks = Every(SAY_EVERY_S)
        self._total = sum(len(unit.cells) for unit in self.units)

    def write_plan(self, plan: dict[str, Any]) -> None:
        """Put the plan where workers read it."""
        told = without_secrets_in(plan)
        if told != json.loads(json.dumps(plan)):
            self._unwritten = {"plan": plan}
        fresh = self.run / f".{PLAN}"
        with writing(self.run):
            fresh.write_text(json.dumps(told, allow_nan=False), encoding="utf-8")
            fresh.replace(self.run / PLAN)

    def until(self, cell: CellKey) -> str:
        """Work until a cell is through; returns its status. Others go on meanwhile.

        Raises:
            RunFolderError: where the run folder takes no more.
            EngineGone: where what carries units out is gone.
        """
        while cell not in self.ended:
            if not self._running and not self._waiting:
                return "unplanned"
            self.step()
        return self.ended[cell]

    def step(self) -> None:
        """Hand out what can be handed out, then take in what happened."""
        began = time.monotonic()
        self._hand_out()
        waited = time.monotonic()
        news = self.executor.wait(POLL_S)
        woke = time.monotonic()
        for slot in list(self._running):
            self._read(slot)
        for each in news:
            self._end(each)
        self._enforce()
        self._speak()
        self.overhead_s += (waited - began) + (time.monotonic() - woke)

    def _hand_out(self) -> None:
        for slot in range(self.executor.slots):
            if slot in self._running or not self._waiting or slot in getattr(self.executor, "retired", ()):
                continue
            unit = self._next_for(slot)
            if unit is None:
                return
            self._waiting.remove(unit)
            attempt = Journal.first_unused(self.run, unit.id, self._attempts[unit.id])
            self._attempts[unit.id] = attempt + 1
            self._running[slot] = _Running(unit, Journal(self.run, unit.id, attempt), time.monotonic())
            self._last[slot] = unit.affinity
            self.executor.submit(
                slot,
                {
                    "run": str(self.run.resolve()),
                    "cwd": str(Path.cwd()),
                    "unit": unit.id,
                    "attempt": attempt,
                    "cells": [list(cell) for cell in unit.cells if cell not in self.ended],
                    **self._unwritten,
                },
            )

    def _next_for(self, slot: int) -> Unit | None:
        """The longest unit of the encoder that the slot has in memory, else of one that nobody works on, else any."""
        shared = [unit for unit in self._waiting if not unit.exclusive]
        if not shared:  # latency: nothing else may run beside it
            return self._waiting[0] if not self._running else None
        if any(running.unit.exclusive for running in self._running.values()):
            return None
        taken = {running.unit.affinity for running in self._running.values()}
        for wanted in (
            [unit for unit in shared if unit.affinity == self._last.get(slot)],
            [unit for unit in shared if unit.affinity not in taken],
        ):
            if wanted:
                return wanted[0]
        return shared[0]

    def _read(self, slot: int) -> None:
        running = self._running[slot]
        for event in running.journal.news():
            if event["event"] == "cell":
                running.cell, running.since = _key(event["cell"], running.unit), time.monotonic()
            elif event["event"] == "cell_ended":
                key = _key(event["cell"], running.unit)
                self.ended[key] = event["status"]
                self.wall_s[key] = float(event["wall_s"])
                self.first[key] = First(bool(event.get("opens")), bool(event.get("extracts")))
                running.cell = None
            elif event["event"] == "ended":
                self.on_facts(dict(event["facts"]))

    def _end(self, news: Ended) -> None:
        running = self._running.get(news.slot)
        if running is None:
            return
        self._read(news.slot)
        del self._running[news.slot]
        if news.outcome == "done":
            for cell in running.unit.cells:  # a cell that the worker's plan does not hold would else be waited for
                if cell not in self.ended:
                    self._give_up(cell, "failed", "the worker ended its unit without this cell", 0.0)
            return
        if news.outcome == "unwritable":  # no other worker could record a cell either
            self._again(running.unit)
            raise RunFolderError(news.reason)
        if news.outcome == "moved" and self._moved[running.unit.id] < MOVES:
            self._moved[running.unit.id] += 1
            self.say(f"{news.reason}; its cells go to the others")
            self._again(running.unit)
            return
        self._lose(running, news.reason)

    def _lose(self, running: _Running, reason: str) -> None:
        """A worker is gone: the cell that it was in is suspected, the rest of the unit is handed out again."""
        suspect = running.cell or next((cell for cell in running.unit.cells if cell not in self.ended), None)
        if suspect is not None:
            self.retried[suspect] += 1
            if self.retried[suspect] > RETRIES:
                line = (
                    f"{reason}, {self.retried[suspect]} times in this cell; run it alone with --engine local to see why"
                )
                self._give_up(suspect, "failed", line, time.monotonic() - running.since)
            else:
                self.say(f"{reason} in {suspect[1]} of {suspect[0]}; it is tried again")
        self._again(running.unit)

    def _again(self, unit: Unit) -> None:
        if any(cell not in self.ended for cell in unit.cells):
            self._waiting.appendleft(unit)

    def _enforce(self) -> None:
        """Time and memory limits of the cells that are running."""
        now = time.monotonic()
        for slot, running in list(self._running.items()):
            if running.cell is None:
                continue
            limit = self.limits.cell_timeout_s
            if limit is not None and now - running.since > limit + GRACE_S:
                self._stop(slot, running, "failed", too_long(limit))
                continue
            cap = self.limits.worker_rss_bytes
            used = self.executor.rss_bytes(slot) if cap is not None and hasattr(self.executor, "rss_bytes") else 0
            if cap is not None and used > cap:
                line = (
                    f"the worker grew to {used / 2**30:.1f} GiB, over --worker-memory {cap / 2**30:g} GiB; allow more"
                )
                self._stop(slot, running, "oom", line)

    def _stop(self, slot: int, running: _Running, status: str, reason: str) -> None:
        assert running.cell is not None
        self.executor.kill(slot)
        self._read(slot)
        del self._running[slot]
        if running.cell is not None:
            self._give_up(running.cell, status, reason, time.monotonic() - running.since)
        self._again(running.unit)

    def _give_up(self, cell: CellKey, status: str, reason: str, wall_s: float) -> None:
        self.ended[cell] = status
        self.on_lost(cell, status, reason, wall_s)

    def standing(self, hits: int = 0) -> Standing:
        """What is done, and how long the rest will take."""
        now, pace = time.monotonic(), self._pace()
        left = sum(unit.est_s * pace for unit in list(self._waiting)) + sum(
            max(0.0, running.unit.est_s * pace - (now - running.started)) for running in list(self._running.values())
        )
        return Standing(
            planned=self._total + self.before,
            done=len(self.ended) + self.before,
            failed=sum(status != "ok" for status in list(self.ended.values())),
            hits=hits,
            left_s=left / self.executor.slots,
            busy=len(self._running),
            workers=self.executor.slots,
        )

    def _pace(self) -> float:
        """How much longer units take than was thought of them, by those that are through and those that are over."""
        now = time.monotonic()
        waiting = {id(unit) for unit in list(self._waiting)}
        running = {id(each.unit): now - each.started for each in list(self._running.values())}
        through = [unit for unit in self.units if id(unit) not in waiting and id(unit) not in running]
        took = sum(self.wall_s.get(cell, 0.0) for unit in through for cell in unit.cells)
        thought = sum(unit.est_s for unit in through)
        for unit in self.units:
            spent = running.get(id(unit), 0.0)
            if spent > unit.est_s:
                took, thought = took + spent, thought + unit.est_s
        return (PRIOR_S + took) / (PRIOR_S + thought)

    def _speak(self) -> None:
        if self._speaks.due():
            self.say(self.standing(self.hits()).sentence())


def _key(cell: Sequence[str], unit: Unit) -> CellKey:
    """The cell that a journal names: without secrets that the address of its data set may hold."""
    candidate, suite, dataset = cell
    told = [each for each in unit.cells if without_secrets_in(list(each)) == list(cell)]
    return told[0] if told else (candidate, suite, dataset)
