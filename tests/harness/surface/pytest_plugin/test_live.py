"""The live table on a real pseudo-terminal."""

from __future__ import annotations

import io
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from foresight_harness.running.engines.run_progress import Standing
from foresight_harness.surface.pytest_plugin import ticking
from foresight_harness.surface.pytest_plugin.live import LiveTable, rendered, wants_live
from foresight_harness.surface.pytest_plugin.ticking import Ticker

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


def test_lines_say_where_a_run_stands_every_half_minute_and_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("foresight_harness.running.engines.run_progress.time.monotonic", lambda: clock[0])
    log = io.StringIO()
    ticker = Ticker(lambda: STANDING, log, column=lambda: 2)
    ticker.say("extracting dinov2_tiny: 3 of 9 pictures")
    for clock[0] in range(0, 95):
        ticker.look()
    lines = log.getvalue().splitlines()
    assert ticking.EVERY_S == 30.0
    assert [line for line in lines if line] == [f"  {STANDING.sentence()}; extracting dinov2_tiny: 3 of 9 pictures"] * 3
    assert log.getvalue().startswith("\n"), "pytest's line of dots is half written"


ROOT = Path(__file__).resolve().parents[4]
SESSION = ("--candidate", "oracle@mask/identity/single/linear", "--dataset", "shapes", "--train-size", "16")


@pytest.mark.slow
def test_a_session_at_a_terminal_shows_the_table_and_one_in_ci_does_not(tmp_path: Path) -> None:
    """pytest itself, capturing its tests as it does by default, at a terminal of ours."""
    (tmp_path / "benchmarks").mkdir()
    shutil.copy(ROOT / "benchmarks" / "test_alignment.py", tmp_path / "benchmarks")
    plain = {name: value for name, value in os.environ.items() if name not in ("CI", "COLUMNS")}
    command = [sys.executable, "-m", "pytest", "benchmarks", "--import-mode=importlib", "-p", "no:cacheprovider"]
    seen = {}
    for kind, more in (("person", {}), ("ci", {"CI": "true"})):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [*command, *SESSION, "--out", kind],
            **{"cwd": tmp_path, "env": {**plain, "TERM": "xterm", **more}},
            **{"stdin": theirs, "stdout": theirs, "stderr": theirs},
        )
        os.close(theirs)
        text = b""
        try:
            while part := os.read(ours, 65536):
                text += part
        except OSError:  # Linux's way to say that the other end is closed
            pass
        os.close(ours)
        assert process.wait() == 0, text.decode()[-2000:]
        seen[kind] = COLOUR.sub("", text.decode())
    assert "time left" in seen["person"]
    assert re.search(r"0/1 +1 +0 .*~\d+:\d\d", seen["person"])
    assert "alignment oracle@mask/identity/single/linear on shapes" in seen["person"]
    assert "\x1b[J" in seen["person"]
    assert "time left" not in seen["ci"]
    for text in seen.values():
        assert re.search(r"^[1-9]\d* cells scored, 0 failed", text, re.MULTILINE)
