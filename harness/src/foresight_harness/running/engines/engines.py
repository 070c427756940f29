"""Engines as the pytest plugin uses them: score this cell, wherever that is done."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Protocol

from foresight_harness.contracts.errors import ForesightError
from foresight_harness.contracts.identity import cell_id
from foresight_harness.planning.options import RunOptions
from foresight_harness.running.costs.accounting import expected
from foresight_harness.running.costs.history import LATER, CostBook
from foresight_harness.running.costs.limits import check_memory
from foresight_harness.running.costs.pacing import CellKey, Pace
from foresight_harness.running.engines.cell_execution import carry_out
from foresight_harness.running.engines.driver import SAY_EVERY_S, Driver, Limits
from foresight_harness.running.engines.executor import Executor
from foresight_harness.running.engines.run_progress import Every, Standing
from foresight_harness.running.engines.units import cell_key, units_of
from foresight_harness.running.engines.work import plan_document

if TYPE_CHECKING:
    from foresight_harness.contracts.outcomes import Outcome
    from foresight_harness.measuring.workshop.cell import Timer
    from foresight_harness.planning.plan import PlannedCell
    from foresight_harness.running.keeper import RunKeeper


class CellFailed(ForesightError):
    """A cell failed in another process; its record holds the traceback."""


class Engine(Protocol):
    """Carries out cells one is asked for."""

    def score(self, planned: PlannedCell, timer: Timer | None) -> Outcome | None:
        """The outcome, or None where the cell was scored in another process or before.

        Raises:
            Exception: whatever went wrong with the cell, after its record was written.
        """
        ...

    def close(self) -> None:
        """End workers."""
        ...

    def remember_session(self, seconds: float) -> None:
        """Learn what the whole session took, for predictions."""
        ...

    def standing(self) -> Standing:
        """What is done, and how long the rest will take."""
        ...


class InProcess:
    """``local``: in this process, one cell after the other."""

    def __init__(self, keeper: RunKeeper) -> None:
        self.keeper = keeper
        self.costs = CostBook.beside(keeper.options.cache)
        self.spent_s = 0.0
        """Seconds of cells."""
        self._pace: Pace | None = None
        self._speaks = Every(SAY_EVERY_S)

    def score(self, planned: PlannedCell, timer: Timer | None) -> Outcome | None:
        """See ``Engine``."""
        pace, key, carried = self._paced(), cell_key(planned), None
        pace.begin(key)
        try:
            carried = carry_out(self.keeper, planned, timer)
        finally:
            pace.end(key, counts=carried is not None and carried.outcome is not None)
            if self._speaks.due():
                self.keeper.progress.write(self.standing().sentence())
        self.spent_s += carried.seconds
        if carried.outcome is not None:
            self.costs.add(planned, self.keeper.options, carried.seconds, carried.first)
        return carried.outcome

    def _paced(self) -> Pace:
        if self._pace is None:
            cells = [cell for cell in self.keeper.planned if cell_id(*cell_key(cell)) not in self.keeper.done]
            self._pace = Pace(expected(cells, self.keeper.options, self.costs))
        return self._pace

    def standing(self) -> Standing:
        """See ``Engine``."""
        pace = self._paced()
        planned = {cell_key(cell) for cell in self.keeper.planned}
        counts = self.keeper.counts
        return Standing(
            planned=len(planned),
            done=len(planned) - len(pace.left),
            failed=counts["failed"] + counts["oom"],
            hits=sum(self.keeper.workshop.extraction.hits.values()),
            left_s=pace.left_s(self.keeper.progress.left_s()),
        )

    def close(self) -> None:
        """See ``Engine``."""
        self.costs.save()

    def remember_session(self, seconds: float) -> None:
        """See ``Engine``."""
        if self.spent_s:
            self.costs.add_session(self.keeper.options.engine, max(0.0, seconds - self.spent_s))
            self.costs.save()


class Pooled:
    """``local:N`` and ``ray``: units in workers, news through the run folder."""

    def __init__(self, keeper: RunKeeper, executor: Executor, *, latency_here: bool) -> None:
        self.keeper, self.executor = keeper, executor
        self.latency_here = latency_here
        """Whether latency is measured in this process, after the workers have left the machine."""
        self.costs = CostBook.beside(keeper.options.cache)
        self.driver: Driver | None = None
        self._here_s = 0.0
        """Seconds of the cells that this process measured itself."""

    def _started(self) -> Driver:
        if self.driver is None:
            keeper, options = self.keeper, self.keeper.options
            self._by_key = {cell_key(cell): cell for cell in keeper.planned}
            todo = [
                cell
                for key, cell in self._by_key.items()
                if cell_id(*key) not in keeper.done and not (self.latency_here and cell.suite.live_encoder)
            ]
            units = units_of(todo, options, self.executor.slots, self.costs)
            gib = options.worker_memory_gib
            limits = Limits(options.cell_timeout, None if gib is None else int(gib * 2**30))
            self.driver = Driver(
                keeper.folder.path,
                self.executor,
                units,
                limits,
                on_facts=keeper.add_facts,
                on_lost=self._record_lost,
                say=keeper.progress.write,
                costs=self.costs,
                before=len(self._by_key) - len(todo),
                hits=self._hits,
            )
            self.driver.write_plan(plan_document(keeper))
            self.executor.start()
        return self.driver

    def score(self, planned: PlannedCell, timer: Timer | None) -> Outcome | None:
        """See ``Engine``."""
        key = cell_key(planned)
        if cell_id(*key) in self.keeper.done:
            return self.keeper.run_cell(planned, timer)
        driver = self._started()
        if self.latency_here and planned.suite.live_encoder:
            self._drain()
            began = time.monotonic()
            try:
                return self.keeper.run_cell(planned, timer)
            finally:
                self._here_s += time.monotonic() - began
        status = driver.until(key)
        if status == "ok":
            self.costs.add(planned, self.keeper.options, driver.wall_s.get(key, 0.0), driver.first.get(key, LATER))
            return None
        raise CellFailed(self._error_of(key, status))

    def standing(self) -> Standing:
        """See ``Engine``."""
        return self._started().standing(self._hits())

    def _hits(self) -> int:
        return sum(self.keeper.workshop.extraction.hits.values())

    def _drain(self) -> None:
        """Finish everything that is not latency, then free the machine."""
        driver = self._started()
        for key in [cell for unit in driver.units for cell in unit.cells]:
            driver.until(key)
        self.executor.close()
        self.keeper.refresh()

    def _error_of(self, key: CellKey, status: str) -> str:
        wanted = cell_id(*key)
        for record in reversed(self.keeper.folder.records()):
            if record.cell == wanted and not record.ok:
                return str(record.error)
        return f"{status}; the cell left no record"

    def _record_lost(self, key: CellKey, status: str, reason: str, wall_s: float) -> None:
        self.keeper.record_lost(self._by_key[key], status, reason, wall_s)

    def close(self) -> None:
        """See ``Engine``."""
        self.executor.close()
        self.costs.save()

    def remember_session(self, seconds: float) -> None:
        """See ``Engine``. Workers share the time of cells; what they wait for each other counts as the session's."""
        if self.driver is not None and self.driver.wall_s:
            shared = sum(self.driver.wall_s.values()) / self.executor.slots
            self.costs.add_session(self.keeper.options.engine, max(0.0, seconds - shared - self._here_s))
            self.costs.save()


def engine_for(keeper: RunKeeper, cells: Sequence[PlannedCell], screen: IO[str] | None = None) -> Engine:
    """The engine that the options ask for; where every cell is done, none but this process.

    Args:
        keeper: Of the run.
        cells: That are planned.
        screen: Where the last word of a process goes that is killed because it cannot go on; None is standard error.

    Raises:
        UsageError: where it cannot be had.
    """
    options = keeper.options
    kind = options.engine.partition(":")[0]
    if cells and all(cell_id(*cell_key(cell)) in keeper.done for cell in cells):  # nothing is left that needs workers
        return InProcess(keeper)
    if kind == "ray":
        from foresight_harness.running.engines.ray_cluster import RayCluster

        return Pooled(keeper, RayCluster(options.workers, options.device, screen=screen), latency_here=False)
    if options.workers is None:
        return InProcess(keeper)
    check_memory(cells, options, options.workers)
    from foresight_harness.running.engines.workers import LocalWorkers

    return Pooled(keeper, LocalWorkers(options.workers, devices_of(options)), latency_here=True)


def devices_of(options: RunOptions) -> list[str]:
    """Device indices that workers are bound to, one each in turn; empty on a CPU."""
    if not options.device.startswith("cuda"):
        return []
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given:
        return given.split(",")
    import torch

    return [str(index) for index in range(torch.cuda.device_count())]
