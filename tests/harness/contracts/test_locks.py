from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from foresight_harness.contracts import locks
from foresight_harness.contracts.locks import HeldLock, LockError

LONG_S = 600.0
"""Longer than any machine takes for what happens meanwhile: it ends what hangs, and decides nothing."""

HOLD = """
import sys, time
from pathlib import Path
from foresight_harness.contracts import locks
locks.BEAT_S = 0.1
with locks.HeldLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Callable[[float], subprocess.Popen[str]]]:
    """A process that holds ``tmp_path/a.lock`` for some seconds."""
    started: list[subprocess.Popen[str]] = []

    def start(seconds: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLD, str(tmp_path / "a.lock"), str(seconds)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_stopped_holder_is_named_with_host_process_and_age_in_one_line(
    holder: Callable[[float], subprocess.Popen[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "STOPPED_S", 0.5)
    process = holder(LONG_S)
    os.kill(process.pid, signal.SIGSTOP)
    said: list[str] = []
    monkeypatch.setattr(locks, "SAY_S", 0.0)
    for _ in range(2):  # the second time at once
        with pytest.raises(LockError) as raised, HeldLock(tmp_path / "a.lock", "entry a", said.append):
            pass
        line = str(raised.value)
        named = re.escape(f"entry a is held by process {process.pid} on {os.uname().nodename}, for ")
        assert re.match(named + r"\d+ min, which is", line)
        assert "--resume" in line
        assert "\n" not in line
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with HeldLock(tmp_path / "a.lock"):  # the system gives a dead holder's lock free
        assert (tmp_path / "a.lock.holder").exists()
    assert not (tmp_path / "a.lock.holder").exists()
    assert said == [] or "waiting for entry a" in said[0]


def test_a_holder_gives_signs_of_life_by_itself(
    holder: Callable[[float], subprocess.Popen[str]], tmp_path: Path
) -> None:
    holder(LONG_S)
    file = tmp_path / "a.lock.holder"
    first, ends = file.stat().st_mtime_ns, time.monotonic() + LONG_S
    while file.stat().st_mtime_ns == first and time.monotonic() < ends:
        time.sleep(0.02)
    assert file.stat().st_mtime_ns > first


def test_a_holder_that_works_is_waited_for_longer_than_the_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that moves by most of the patience from look to look, and a holder with a sign for each."""
    clock = itertools.count(step=0.7 * locks.PATIENCE_S)
    monkeypatch.setattr(locks.time, "monotonic", lambda: next(clock))
    held = FileLock(tmp_path / "a.lock")
    signs = iter(range(4))

    def look(lock: HeldLock) -> object:
        sign = next(signs, None)
        if sign is None:
            held.release()
        return sign

    monkeypatch.setattr(HeldLock, "_sign", look)
    held.acquire()
    with HeldLock(tmp_path / "a.lock"):
        assert f'"pid": {os.getpid()}' in (tmp_path / "a.lock.holder").read_text()
    assert next(signs, None) is None
    assert next(clock) > 2 * locks.PATIENCE_S


def test_a_holder_without_a_sign_is_not_waited_for_longer_than_the_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(step=0.7 * locks.PATIENCE_S)
    monkeypatch.setattr(locks.time, "monotonic", lambda: next(clock))
    with FileLock(tmp_path / "a.lock"), pytest.raises(LockError, match="gives no sign of life"):
        HeldLock(tmp_path / "a.lock").__enter__()


def test_a_holder_may_enter_again_and_another_thread_may_not(tmp_path: Path) -> None:
    lock = HeldLock(tmp_path / "a.lock")
    with lock, lock:
        assert lock.holder.exists()
        other = threading.Thread(target=lambda: HeldLock(tmp_path / "a.lock").__enter__(), daemon=True)
        other.start()
        other.join(0.3)
        assert other.is_alive()
    other.join(LONG_S)
    assert not other.is_alive()
