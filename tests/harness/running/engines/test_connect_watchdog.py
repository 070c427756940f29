"""A process that a native call holds still is ended from beside it, in one line."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

HELD = """
import ctypes, os, sys
from foresight_harness.running.engines.connect_watchdog import watched
with watched(float(sys.argv[1]), "gone; go on with --resume"):
    {deed}
print("went on")
"""
HOLD = "ctypes.PyDLL(None).sleep(60)"
"""Keeps the interpreter for itself, as native code does that does not let it go."""


def run(deed: str, seconds: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", HELD.format(deed=deed), str(seconds)]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


def test_a_call_that_holds_the_interpreter_is_ended_in_one_line() -> None:
    began = time.monotonic()
    ended = run(HOLD, 0.5)
    assert (ended.returncode, ended.stderr, ended.stdout) == (-signal.SIGKILL, "gone; go on with --resume\n", "")
    assert time.monotonic() - began < 30


def test_a_process_that_native_code_ends_meanwhile_leaves_the_line() -> None:
    ended = run("os._exit(1)", 40)
    assert (ended.returncode, ended.stderr) == (1, "gone; go on with --resume\n")


@pytest.mark.parametrize(("deed", "code"), [("pass", 0), ("sys.exit(3)", 3)])
def test_what_ends_in_time_is_left_alone(deed: str, code: int) -> None:
    ended = run(deed, 40)
    assert (ended.returncode, ended.stderr) == (code, "")
