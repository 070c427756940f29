"""A live table under pytest's own line while cells are scored: for people at a terminal. Logs get lines instead.

pytest owns the terminal, and its line of dots may be half written. So the table is drawn below that line and the cursor
put back; nothing of pytest's is overwritten, and before pytest writes again the table is gone.
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
            while not over.is_set():
                self.draw()
                over.wait(EVERY_S)

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


def live_for(config: pytest.Config, standing: Callable[[], Standing]) -> LiveTable | None:
    """The table of a session; None where nobody looks, or where pytest's terminal is not what it was."""
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    writer: Any = getattr(reporter, "_tw", None)
    stream = getattr(writer, "_file", None)  # pytest's own copy of the terminal, past its capture
    if stream is None or config.option.verbose < 0 or not wants_live(stream, os.environ):
        return None
    return LiveTable(standing, stream, lambda: int(writer.width_of_current_line))


def _width(stream: IO[str]) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80  # 0 where nobody told the terminal its size
    except (OSError, ValueError):
        return 80
