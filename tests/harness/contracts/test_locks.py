from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from foresight_harness.contracts import locks
from foresight_harness.contracts.locks import HeldLock, LockError

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
    process = holder(60)
    os.kill(process.pid, signal.SIGSTOP)
    said: list[str] = []
    monkeypatch.setattr(locks, "SAY_S", 0.0)
    for _ in range(2):  # the second time at once
        with pytest.raises(LockError) as raised, HeldLock(tmp_path / "a.lock", "entry a", said.append):
            pass
        line = str(raised.value)
        assert line.startswith(
            f"entry a is held by process {process.pid} on {os.uname().nodename}, for 0 min, which is"
        )
        assert "--resume" in line
        assert "\n" not in line
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with HeldLock(tmp_path / "a.lock"):  # the system gives a dead holder's lock free
        assert (tmp_path / "a.lock.holder").exists()
    assert not (tmp_path / "a.lock.holder").exists()
    assert said == [] or "waiting for entry a" in said[0]


def test_a_holder_that_works_is_waited_for_longer_than_the_patience(
    holder: Callable[[float], subprocess.Popen[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE_S", 1.5)
    holder(4)
    with HeldLock(tmp_path / "a.lock"):
        assert f'"pid": {os.getpid()}' in (tmp_path / "a.lock.holder").read_text()


def test_a_holder_may_enter_again_and_another_thread_may_not(tmp_path: Path) -> None:
    lock = HeldLock(tmp_path / "a.lock")
    with lock, lock:
        assert lock.holder.exists()
        other = threading.Thread(target=lambda: HeldLock(tmp_path / "a.lock").__enter__(), daemon=True)
        other.start()
        other.join(0.3)
        assert other.is_alive()
    other.join(5)
    assert not other.is_alive()
