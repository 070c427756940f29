"""The limit of a cell: by the alarm of this system, and by the watchdog of systems that have none."""

from __future__ import annotations

import signal
import threading
import time

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
    began = time.monotonic()
    with pytest.raises(CellTimeout, match=r"longer than --cell-timeout 0\.1 s; allow more"), time_limit(0.1):
        work_for(30.0)
    assert time.monotonic() - began < 20.0


@pytest.mark.usefixtures("kind")
def test_work_that_ends_in_time_is_left_alone_then_and_later() -> None:
    for _ in range(20):
        with time_limit(0.05):
            work_for(0.001)
    work_for(0.2)
    with time_limit(None):
        work_for(0.01)


def test_other_threads_are_limited_too() -> None:
    ended: list[str] = []

    def limited() -> None:
        try:
            with time_limit(0.1):
                work_for(30.0)
        except CellTimeout as error:
            ended.append(str(error))

    thread = threading.Thread(target=limited)
    thread.start()
    thread.join(timeout=25.0)
    assert len(ended) == 1
