"""Is a cluster still there? Asked beside the work, because a cluster that is gone does not answer. Imports no Ray."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")

PERIOD_S = 2.0
"""Between two questions."""
SILENCE_S = 20.0
"""Without an answer for that long the head is taken for lost."""
CALL_S = 8.0
"""Most seconds that one call of the cluster's client is waited for."""
LEAVE_S = 1.0
"""The same for leaving a cluster that is gone: its client would wait for it."""
LOOK_S = 0.25
"""Between two looks whether a cluster is gone whose call is waited for."""


class CallTimeout(Exception):
    """A call of the cluster's client did not return."""


def bounded(call: Callable[[], Answer], seconds: float = CALL_S, gone: Callable[[], object] = lambda: False) -> Answer:
    """Call in a thread of its own and wait that long at most, less where the cluster is ``gone`` meanwhile.

    Raises:
        CallTimeout: where it has not returned.
        Exception: whatever the call raises.
    """
    found: list[Answer] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            found.append(call())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True, name="foresight-cluster-call")
    thread.start()
    began = time.monotonic()
    ends = began + seconds
    while thread.is_alive() and (left := ends - time.monotonic()) > 0 and not gone():
        thread.join(min(LOOK_S, left))
    if failed:
        raise failed[0]
    if not found:
        raise CallTimeout(f"no answer within {min(seconds, time.monotonic() - began):.2g} s")
    return found[0]


class ClusterWatch(Generic[Answer]):
    """Asks a cluster again and again, in a thread; whoever works looks at the last answer.

    Args:
        ask: What is asked: the nodes that are alive. May hang or raise.
        clock: Monotonic seconds.
    """

    def __init__(self, ask: Callable[[], set[Answer]], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._clock = ask, clock
        self.alive: set[Answer] = set()
        """Nodes that were alive when it last answered."""
        self._answered, self._asked = clock(), False
        self._failure = ""
        self._ended = threading.Event()

    def start(self) -> None:
        """Ask from now on."""
        threading.Thread(target=self._run, daemon=True, name="foresight-cluster-watch").start()

    def stop(self) -> None:
        """Ask no more."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(PERIOD_S):
            self.look()

    def look(self) -> None:
        """Ask once."""
        try:
            self.alive = self._ask()
            self._answered, self._asked, self._failure = self._clock(), True, ""
        except BaseException as error:
            self._failure = " ".join(f"{type(error).__name__}: {error}".split())[:200]

    def gone(self) -> str:
        """Why the cluster is taken for gone, in words; empty where it is there."""
        if self._asked and not self.alive:
            return "none of its nodes is alive"
        silent = self._clock() - self._answered
        if silent > SILENCE_S:
            said = f" ({self._failure})" if self._failure else ""
            return f"its head has not answered for {silent:.0f} s{said}"
        return ""
