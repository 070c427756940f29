"""Where a run stands, a line every half minute: for logs of CI and for ``-q``, where nothing else speaks for long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from foresight_harness.contracts.text import one_line, without_secrets
from foresight_harness.running.engines.run_progress import Every, Standing
from foresight_harness.surface.pytest_plugin.periodically import periodically

EVERY_S = 30.0
LOOKS_EVERY_S = 1.0


class Ticker:
    """Writes lines past pytest's capture, from a thread of its own, for as long as a cell is scored."""

    def __init__(self, standing: Callable[[], Standing], stream: IO[str], column: Callable[[], int]) -> None:
        self._standing, self._stream, self._column = standing, stream, column
        self._every = Every(EVERY_S)
        self._doing = ""

    def say(self, line: str) -> None:
        """What is being done now; told with the next line."""
        self._doing = line

    @contextmanager
    def shown(self, doing: str) -> Iterator[None]:
        """Look at the clock while a cell is scored."""
        self._doing = doing
        try:
            with periodically("foresight-ticker", LOOKS_EVERY_S, self.look):
                yield
        finally:
            self.look()

    def look(self) -> None:
        """Write a line where it is time."""
        if self._every.due():
            line = one_line(without_secrets(f"{self._standing().sentence()}; {self._doing}"))
            self._stream.write(f"{chr(10) if self._column() else ''}  {line}\n")
            self._stream.flush()
