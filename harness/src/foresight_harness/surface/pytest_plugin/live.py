"""A live table under pytest's own line while cells are scored: for people at a terminal. Logs get lines instead.

pytest owns the terminal, and its line of dots may be half written. So the table is drawn below that line and the cursor
put back; nothing of pytest's is overwritten, and before pytest writes again the table is gone. While a test runs, what
pytest writes to is captured too, file descriptor and all; so the screen is asked for when collection ends.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import pytest

from foresight_harness.running.engines.run_progress import Standing, clock

EVERY_S = 0.5
ERASE_BELOW = "\x1b[J"


def wants_live(stream: IO[str], environment: Mapping[str, str]) -> bool:
    """Whether people look: a terminal that can move its cursor, and no CI job."""
    able = environment.get("TERM", "") not in ("", "dumb")
    return bool(stream.isatty()) and able and not environment.get("CI")


class LiveTable:
    """Draws where a run stands, from a thread of its own, for as long as a cell is scored."""

    def __init__(self, standing: Callable[[], Standing], stream: IO[str], column: Callable[[], int]) -> None:
        self._standing, self._stream, self._column = standing, stream, column
        self._lock = threading.Lock()
        self._doing = ""

    def say(self, line: str) -> None:
        """What is being done now; shown with the next drawing."""
        self._doing = line

    @contextmanager
    def shown(self, doing: str) -> Iterator[None]:
        """Show the table, and take it away at the end whatever happens."""
        self._doing = doing
        over = threading.Event()

        def redraw() -> None:
            while not over.wait(EVERY_S):
                self.draw()

        self.draw()  # what is over in no time is shown too
        thread = threading.Thread(target=redraw, name="foresight-live", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._write(ERASE_BELOW)

    def draw(self) -> None:
        """Draw below the line that pytest is writing, and return to its end."""
        lines = rendered(self._standing(), self._doing, _width(self._stream))
        below = "".join(f"\r\n{line}" for line in lines)
        self._write(f"{ERASE_BELOW}{below}\x1b[{len(lines)}A\x1b[{self._column() + 1}G")

    def _write(self, text: str) -> None:
        with self._lock:
            self._stream.write(text)
            self._stream.flush()


def rendered(standing: Standing, doing: str, width: int) -> list[str]:
    """Names, numbers and what is being done: three lines that fit the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("cells", "left", "failed", "from cache", "workers", "time left"):
        table.add_column(name, justify="right", header_style="dim", no_wrap=True)
    table.add_row(
        f"{standing.done}/{standing.planned}",
        str(standing.planned - standing.done),
        Text(str(standing.failed), style="bold red" if standing.failed else ""),
        str(standing.hits),
        f"{standing.busy}/{standing.workers}",
        f"~{clock(standing.left_s)}",
    )
    console = Console(width=width, force_terminal=True, legacy_windows=False)
    with console.capture() as captured:
        console.print(table)
        console.print(Text(doing, style="dim"), no_wrap=True, overflow="ellipsis")
    return captured.get().rstrip("\n").split("\n")


def screen_of(config: pytest.Config) -> IO[str] | None:
    """What pytest writes to, kept past its capture of tests. To be asked for while nothing is captured.

    Returns:
        A stream of its own where pytest's has a file descriptor, else pytest's; None where it has none at all.
    """
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    stream: IO[str] | None = getattr(getattr(reporter, "_tw", None), "_file", None)
    try:
        number = None if stream is None else os.dup(stream.fileno())
    except (OSError, ValueError):  # a buffer of a program that called pytest
        return stream
    if number is None:
        return None
    own = os.fdopen(number, "w", encoding=getattr(stream, "encoding", None) or "utf-8", errors="replace", newline="")
    config.add_cleanup(own.close)
    return own


def column_of(config: pytest.Config) -> int:
    """How far pytest's current line is written."""
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    return int(getattr(getattr(reporter, "_tw", None), "width_of_current_line", 0))


def live_for(config: pytest.Config, screen: IO[str] | None, standing: Callable[[], Standing]) -> LiveTable | None:
    """The table of a session; None where nobody looks."""
    if screen is None or config.option.verbose < 0 or not wants_live(screen, os.environ):
        return None
    return LiveTable(standing, screen, lambda: column_of(config))


def _width(stream: IO[str]) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80  # 0 where nobody told the terminal its size
    except (OSError, ValueError):
        return 80
