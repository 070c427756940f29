"""A limit on what one cell may take."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from foresight_harness.contracts.errors import ForesightError


def too_long(seconds: float) -> str:
    """One line that says what to do."""
    return f"the cell took longer than --cell-timeout {seconds:g} s; allow more, or leave its candidate out"


class CellTimeout(ForesightError):
    """A cell took longer than it may."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise ``CellTimeout`` in the main thread when the time is up; no limit elsewhere or where ``seconds`` is None.

    Python code is interrupted between two instructions. A call that never returns to Python is only ended by the
    engine ``local:N``, which kills the worker.
    """
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if seconds is None or not usable:
        yield
        return

    def ring(signum: int, frame: FrameType | None) -> None:
        raise CellTimeout(too_long(seconds))

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
