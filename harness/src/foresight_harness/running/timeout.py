"""A limit on what one cell may take."""

from __future__ import annotations

import ctypes
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
    """Raise ``CellTimeout`` in this thread when the time is up; no limit where ``seconds`` is None.

    By an alarm in the main thread of a system that has one, else by a watchdog thread. Either interrupts Python code
    between two instructions. A call that never returns to Python is only ended by the engine ``local:N``, which kills
    the worker.
    """
    if seconds is None:
        yield
    elif hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        with _alarm(seconds):
            yield
    else:
        with _watchdog(seconds):
            yield


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """By SIGALRM, which a wait in the system ends with."""

    def ring(signum: int, frame: FrameType | None) -> None:
        raise CellTimeout(too_long(seconds))

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _watchdog(seconds: float) -> Iterator[None]:
    """By another thread, which has the interpreter raise in this one: on Windows, and outside of the main thread."""

    class Rung(CellTimeout):
        """Made by the interpreter, without arguments."""

        def __init__(self) -> None:
            super().__init__(too_long(seconds))

    watched, lock = threading.get_ident(), threading.Lock()
    over = False

    def ring() -> None:
        with lock:
            if not over:
                _raise_in(watched, Rung)

    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:  # from here on it does not ring any more
            over = True
        timer.cancel()
        _raise_in(watched, None)  # what rang and was not raised yet


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Have the interpreter raise in a thread at its next instruction; None takes back what was not raised yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None if kind is None else ctypes.py_object(kind))
