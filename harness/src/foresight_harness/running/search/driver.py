"""The driver of a search: it scores rung after rung with the engine of the run, and remembers each when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from foresight_harness.contracts.errors import EngineGone, RunFolderError
from foresight_harness.contracts.progress import Progress
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.plan import PlannedCell, in_running_order
from foresight_harness.planning.registry import Registry
from foresight_harness.planning.search.budget import RungCost
from foresight_harness.planning.search.planner import Out, Result, Standing, Step, next_step, replay
from foresight_harness.planning.search.rungs import CLOSED_FORM
from foresight_harness.running.engines.engines import engine_for
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.running.lifecycle.status import COMPLETE, INTERRUPTED
from foresight_harness.running.search.kept import FOLDER, Made, add_rung
from foresight_harness.running.search.reading import results_of
from foresight_harness.running.search.rung_options import options_of
from foresight_harness.running.search.setting_up import Hunt

PACE = (0.25, 4.0)
"""How far what rungs took corrects what is predicted of those that are left."""


@dataclass(frozen=True)
class Purse:
    """What a search may still cost."""

    costs: Sequence[RungCost]
    """Predicted, one a rung."""
    allowed_s: float
    """Seconds of all sessions of the search together."""


class Driver:
    """Narrows the candidates of a hunt until the run itself is to score those that are left."""

    def __init__(
        self,
        home: Path,
        hunt: Hunt,
        registry: Registry,
        options: RunOptions,
        progress: Progress,
        command: str,
        *,
        purse: Purse | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Args:
            home: Folder of the run that the search leads to.
            hunt: The search.
            registry: What is on offer.
            options: Of the run.
            progress: Told what is being done.
            command: That repeats the session.
            purse: What it may cost; None is whatever it does.
            check: Called between cells; raises where the session is to stop.
        """
        self.home, self.hunt, self.registry, self.options = home, hunt, registry, options
        self.progress, self.command, self.purse, self.check = progress, command, purse, check

    def narrow(self) -> Standing | Out:
        """Score every rung but the last. What earlier sessions have scored is not scored again.

        Raises:
            UsageError: where a rung could score nobody.
            RunFolderError: where a rung's folder cannot be written or read.
        """
        search, kept = self.hunt.kept.search, self.hunt.kept
        while True:
            results = results_of(self.home, kept)
            step = next_step(search, results, *self._left(results))
            if isinstance(step, Out):
                return step
            if step is None or step.rung == len(search.rungs) - 1:
                return replay(search, results)
            self._say(step)
            began = time.monotonic()
            folder = self._score(step)
            made = Made(step.rung, folder, step.entering, step.keep, time.monotonic() - began, step.shortened)
            add_rung(self.home, made)

    def _left(self, results: Sequence[Result]) -> tuple[Sequence[RungCost] | None, float | None]:
        """Costs at the pace of this machine today, and the seconds that are left."""
        if self.purse is None:
            return None, None
        search = self.hunt.kept.search
        spent, thought = 0.0, 0.0
        for result in results:
            rung, cost = search.rungs[result.rung], self.purse.costs[result.rung]
            streams = {search.streams[name] for name in result.entering}
            count = len(streams) if rung.kind == CLOSED_FORM else len(result.entering)
            spent, thought = spent + result.seconds, thought + cost.fixed_s + cost.each_s * count
        pace = min(PACE[1], max(PACE[0], spent / thought)) if thought else 1.0
        costs = [RungCost(pace * cost.fixed_s, pace * cost.each_s) for cost in self.purse.costs]
        return costs, self.purse.allowed_s - spent

    def _say(self, step: Step) -> None:
        rung = self.hunt.kept.search.rungs[step.rung]
        keep = "" if step.keep is None else f", {step.keep} to be kept"
        self.progress.write(f"search: {rung.name}: {len(step.entering)} candidates{keep}")
        if step.shortened:
            self.progress.write(f"search: {step.shortened}")

    def _score(self, step: Step) -> str:
        """Score the cells of a rung as a run of its own. Returns: its folder below the run's."""
        rung = self.hunt.kept.search.rungs[step.rung]
        name = f"{FOLDER}/{step.rung + 1}_{rung.kind}"
        folder = self.home / name
        resume = (folder / "run.json").is_file()
        options = options_of(rung, self.options, self.hunt.pool[0].dataset, resume=resume)
        cells = self._cells(step)
        keeper = RunKeeper(self.registry, options, self.progress, self.command, place=folder)
        keeper.plan(in_running_order(cells))
        engine, how = engine_for(keeper, keeper.planned), INTERRUPTED
        try:
            for cell in list(keeper.planned):
                self.check()
                try:
                    engine.score(cell, None)
                except (RunFolderError, EngineGone):
                    raise
                except Exception:  # its record says what went wrong, and the planner leaves it out
                    self.check()
            how = COMPLETE
        finally:
            engine.close()
            keeper.close(how)
        keeper.seal()
        return name

    def _cells(self, step: Step) -> list[PlannedCell]:
        search = self.hunt.kept.search
        if search.rungs[step.rung].kind == CLOSED_FORM:
            streams = {search.streams[name] for name in step.entering}
            wanted = {name for stream, name in self.hunt.kept.plain.items() if stream in streams}
            return [replace(cell, probes=()) for cell in self.hunt.plain if str(cell.candidate) in wanted]
        entering = set(step.entering)
        return [replace(cell, probes=()) for cell in self.hunt.pool if str(cell.candidate) in entering]
