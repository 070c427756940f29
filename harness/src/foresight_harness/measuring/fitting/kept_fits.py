"""Fits that were made already: several suites ask for the same one, and a stack makes several at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from foresight_harness.measuring.fitting.fitted import Fitted

KEPT_NUMBERS = 2**27
"""Parameters that are kept in memory, over all fits: 512 MiB in single precision."""


class KeptFits:
    """Fits and failed fits by key; those that were not asked for longest go first."""

    def __init__(self, limit: int = KEPT_NUMBERS) -> None:
        self.limit = limit
        self._found: OrderedDict[Hashable, Fitted | Exception] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._found

    def __len__(self) -> int:
        return len(self._found)

    def keep(self, key: Hashable, fitted: Fitted | Exception) -> None:
        """Remember a fit, or with what error it failed."""
        self._found[key] = fitted
        self._found.move_to_end(key)
        while len(self._found) > 1 and self._size() > self.limit:
            self._found.popitem(last=False)

    def forget(self, done: Callable[[Hashable], bool]) -> None:
        """Let go of the fits whose keys are done with."""
        for key in [key for key in self._found if done(key)]:
            del self._found[key]

    def get(self, key: Hashable) -> Fitted:
        """The fit. Raises: KeyError where there is none; the error with which it failed."""
        fitted = self._found[key]
        self._found.move_to_end(key)
        if isinstance(fitted, Exception):
            raise fitted
        return fitted

    def _size(self) -> int:
        return sum(fitted.size for fitted in self._found.values() if isinstance(fitted, Fitted))
