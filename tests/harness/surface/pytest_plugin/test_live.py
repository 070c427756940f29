"""The live table on a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
from collections.abc import Iterator
from typing import IO

import pytest
from foresight_harness.running.engines.run_progress import Standing
from foresight_harness.surface.pytest_plugin.live import LiveTable, rendered, wants_live

STANDING = Standing(planned=480, done=12, failed=1, hits=34, left_s=125, busy=2, workers=4)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def terminal() -> Iterator[tuple[IO[str], int]]:
    """A terminal to write to, and the end that a person would look at."""
    ours, theirs = pty.openpty()
    stream = os.fdopen(theirs, "w", encoding="utf-8")
    yield stream, ours
    stream.close()
    os.close(ours)


def test_the_table_is_drawn_below_the_line_and_gone_before_pytest_writes_on(terminal: tuple[IO[str], int]) -> None:
    stream, screen = terminal
    table = LiveTable(lambda: STANDING, stream, column=lambda: 3)
    stream.write("...")
    stream.flush()
    with table.shown("spatial pixels@patch on shapes"):
        table.draw()
    stream.write("|.")
    stream.flush()
    seen = ""
    while not seen.endswith("|."):
        seen += os.read(screen, 65536).decode()
    assert seen.startswith("...\x1b[J\r")
    plain = COLOUR.sub("", seen)
    for text in ("12/480", "468", "34", "2/4", "~2:05", "spatial pixels@patch on shapes"):
        assert text in plain
    assert seen.endswith("\x1b[3A\x1b[4G\x1b[J|.")  # back to the end of the dots, nothing left below


def test_nothing_is_wider_than_the_terminal() -> None:
    lines = rendered(STANDING, "reconstruction " + "x" * 200, 60)
    assert len(lines) == 3
    assert max(len(COLOUR.sub("", line)) for line in lines) <= 60


def test_only_a_terminal_outside_ci_is_drawn_on(terminal: tuple[IO[str], int], tmp_path) -> None:
    stream, _ = terminal
    assert wants_live(stream, {"TERM": "xterm"})
    assert not wants_live(stream, {"TERM": "xterm", "CI": "true"})
    assert not wants_live(stream, {"TERM": "dumb"})
    with (tmp_path / "log").open("w") as log:
        assert not wants_live(log, {"TERM": "xterm"})


def test_the_line_of_logs_tells_the_same() -> None:
    assert STANDING.sentence() == (
        "12 of 480 cells, 1 failed, 2 of 4 workers busy, 34 reads from the cache, about 2:05 left"
    )
