"""The limit of a cell: by the alarm of this system, and by the watchdog of systems that have none."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import pytest
from foresight_harness.running.timeout import CellTimeout, time_limit


def work_for(seconds: float) -> None:
    """Python code that never waits in the system."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(100))


@pytest.fixture(params=["alarm", "watchdog"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "watchdog":
        monkeypatch.delattr(signal, "setitimer")
    return str(request.param)


@pytest.mark.usefixtures("kind")
def test_work_that_takes_too_long_is_ended_with_one_line() -> None:
    done: list[None] = []
    with pytest.raises(CellTimeout, match=r"longer than --cell-timeout 0\.1 s; allow more"), time_limit(0.1):
        done.append(work_for(600.0))
    assert done == []


def test_work_that_ends_in_time_is_left_alone_then_and_later(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By limits that no machine reaches, and by what stays behind them: an alarm, or a watchdog that rings too late."""
    rings: list[Callable[[], None]] = []

    class Timer(threading.Timer):
        def __init__(self, seconds: float, ring: Callable[[], None]) -> None:
            super().__init__(seconds, ring)
            rings.append(ring)

    monkeypatch.setattr(threading, "Timer", Timer)
    before = signal.getsignal(signal.SIGALRM)
    for _ in range(20):
        with time_limit(600.0):
            work_for(0.001)
        if kind == "alarm":
            assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
            assert signal.getsignal(signal.SIGALRM) is before
    assert len(rings) == (20 if kind == "watchdog" else 0)
    for ring in rings:
        ring()
    assert not [
        thread for thread in threading.enumerate() if isinstance(thread, Timer) and not thread.finished.is_set()
    ]
    with time_limit(None):
        work_for(0.01)


def test_other_threads_are_limited_too() -> None:
    ended: list[str] = []

    def limited() -> None:
        try:
            with time_limit(0.1):
                work_for(600.0)
        except CellTimeout as error:
            ended.append(str(error))

    thread = threading.Thread(target=limited)
    thread.start()
    thread.join(timeout=500.0)
    assert len(ended) == 1
