"""What rungs cost, and the whole matrix in full, from what the machine has measured, else from guesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from foresight_harness.measuring.cache import upkeep
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.search.budget import RungCost
from foresight_harness.planning.search.rungs import CLOSED_FORM, RACE
from foresight_harness.running.costs.accounting import entries_of
from foresight_harness.running.costs.history import GUESS_POOL_S, CostBook
from foresight_harness.running.costs.predicting import by_cell, missing_features, slowness_of_this_machine
from foresight_harness.running.search.rung_options import options_of
from foresight_harness.running.search.setting_up import Hunt


class Costs:
    """Predictions of one session, from one look at the cost book and the cache."""

    def __init__(self, options: RunOptions) -> None:
        self.options = options
        self._book = CostBook.beside(options.cache)
        self._entries: list[upkeep.Entry] = entries_of(options)
        self._slowness = slowness_of_this_machine()

    def full_s(self, cells: Sequence[PlannedCell]) -> float:
        """Seconds of scoring every planned cell in full."""
        return self._seconds(cells, self.options, features=True)

    def rungs(self, hunt: Hunt, cells: Sequence[PlannedCell]) -> list[RungCost]:
        """One a rung. ``cells``: everything that the run scores of a candidate, in whichever suite."""
        found, pool = [], len(hunt.pool)
        starts = GUESS_POOL_S if self.options.engine != "local" else 0.0
        narrowed = raced = False
        for rung in hunt.kept.search.rungs:
            options = options_of(rung, self.options, hunt.pool[0].dataset)
            if rung.kind != RACE:
                own = hunt.plain if rung.kind == CLOSED_FORM else hunt.pool
                fixed = starts + (0.0 if narrowed else self._features(own, options))
                found.append(RungCost(fixed, self._seconds(own, options) / max(1, len(own))))
                narrowed = True
                continue
            own = hunt.pool if rung.pictures < 1 else tuple(cells)
            if raced:  # its fits lie in the cache
                options = replace(options, custom_scale=replace(options.sizes, steps=1, seeds=1))
            each = (self._seconds(own, options) + self._features(own, options)) / pool
            found.append(RungCost(starts if rung.pictures < 1 else 0.0, each))
            raced = True
        return found

    def _features(self, cells: Sequence[PlannedCell], options: RunOptions) -> float:
        """Seconds of extraction alone."""
        return self._seconds(cells, options, features=True) - self._seconds(cells, options)

    def _seconds(self, cells: Sequence[PlannedCell], options: RunOptions, *, features: bool = False) -> float:
        missing = missing_features(cells, options, self._entries) if features else {}
        found = by_cell(cells, options, self._book, missing, self._slowness)
        return sum(one.seconds for _, _, one in found) / (options.workers or 1)


def devices_of(options: RunOptions) -> int:
    """GPUs that a session holds at once: one a worker."""
    return options.workers or 1
