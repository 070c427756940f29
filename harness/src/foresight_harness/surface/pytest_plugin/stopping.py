"""Ctrl-C, SIGTERM and SIGHUP: an orderly stop with a report, however often they come."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from foresight_harness.surface.deafness import deaf

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
PATIENCE = 4
"""Signals after which the next one ends the process at once, for where closing hangs."""
CLOSING = "the run is being closed and its report written; nothing is lost, it goes on with --resume\n"


@dataclass
class Stopping:
    """Signal handlers of a session that keeps a run.

    The first signal raises KeyboardInterrupt, whatever it is, so that pytest ends the session as after Ctrl-C. Those
    that follow are told that the run is being closed: pytest takes a second KeyboardInterrupt for no interruption at
    all, and a third would leave the report unwritten. What the process was started to ignore (``nohup``, a job in the
    background) stays ignored.
    """

    asked: str | None = None
    """Name of the first signal that came."""
    closing: bool = False
    """No signal raises any more: the run is being written."""
    _count: int = 0
    _before: dict[int, Any] = field(default_factory=dict)

    def install(self, say: Callable[[str], None]) -> None:
        """Take the signals over, in the main thread; elsewhere nothing is changed."""
        if threading.current_thread() is not threading.main_thread():
            return
        if (line := deaf()) is not None:
            say(line)
        for name in NAMES:
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is None:
                continue
            standing = signal.getsignal(number)
            if standing is signal.SIG_IGN:
                continue
            self._before[number] = standing
            signal.signal(number, self._ring)

    def restore(self) -> None:
        """Give the signals back."""
        while self._before:
            number, standing = self._before.popitem()
            signal.signal(number, signal.SIG_DFL if standing is None else standing)

    def check(self) -> None:
        """Raise what plugin code has swallowed. Raises: KeyboardInterrupt."""
        if self.asked is not None and not self.closing:
            raise KeyboardInterrupt(self.asked)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._count > PATIENCE:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        first = self.asked is None
        self.asked = self.asked or signal.Signals(number).name
        if first and not self.closing:
            raise KeyboardInterrupt(self.asked)
        try:
            os.write(2, CLOSING.encode())
        except OSError:  # the terminal is gone, which is what SIGHUP says
            return
