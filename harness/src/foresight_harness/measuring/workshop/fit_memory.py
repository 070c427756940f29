"""The fits that a run has made, each once for all suites that read it, forgotten when no planned cell asks for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable

from foresight_harness.measuring.fitting.kept_fits import KeptFits
from foresight_harness.planning.plan import PlannedCell


class FitMemory:
    """Keeps what was fitted for one suite for the next one."""

    def __init__(self) -> None:
        self.kept = KeptFits()
        self.made = 0
        """Fits made so far, failed ones included."""
        self.read = 0
        """Fits that an earlier run had kept in the cache."""
        self.stacks = 0
        """How often several were made at once."""
        self._wanted: Counter[Hashable] = Counter()

    def plan(self, cells: Iterable[PlannedCell]) -> None:
        """Announce the cells that may ask for fits."""
        self._wanted.update(map(_modules, cells))

    def done(self, cell: PlannedCell) -> None:
        """A cell has ended: fits that no planned cell asks for any more are forgotten, so that memory does not grow
        with the number of candidates."""
        modules = _modules(cell)
        self._wanted[modules] -= 1
        if self._wanted[modules] <= 0:
            del self._wanted[modules]
            self.kept.forget(lambda key: isinstance(key, tuple) and (key[1], key[3]) == modules)


def _modules(cell: PlannedCell) -> Hashable:
    """What fits of a cell have in common, whatever their objective, decoder and seed: two fields of their keys."""
    candidate = cell.candidate.candidate
    return (candidate.streams, candidate.enhancer, candidate.fusion), str(cell.dataset)
