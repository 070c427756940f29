"""Locks between processes that say who holds them, and are not waited for when their holder gives no sign of life."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

from filelock import FileLock, Timeout

from foresight_harness.contracts.errors import CacheError

PATIENCE_S = 120.0
"""Seconds that a waiting process goes without a sign of life of the holder."""
STOPPED_S = 15.0
"""The same where the holder is seen to be stopped (Ctrl-Z, a debugger, SIGSTOP) on this machine."""
BEAT_S = 10.0
"""Between two signs of life of a holder."""
SAY_S = 10.0
"""A wait that is longer than this is said once."""


class LockError(CacheError):
    """A lock is held by a process that gives no sign of life."""


class HeldLock:
    """A lock file beside which its holder stands: host, process, since when. Can be entered again by its holder.

    Args:
        path: Of the lock file; ``PATH.holder`` is written beside it.
        what: What it guards, for messages.
        say: Told once where a wait is long.
    """

    _beating: ClassVar[set[Path]] = set()
    _given_up: ClassVar[set[Path]] = set()
    _thread: ClassVar[threading.Thread | None] = None

    def __init__(self, path: Path, what: str = "", say: Callable[[str], None] = lambda line: None) -> None:
        self.path, self.holder = path, path.with_name(f"{path.name}.holder")
        self._what, self._say = what or path.name, say
        self._lock = FileLock(path)
        self._depth = 0

    def __enter__(self) -> HeldLock:
        if self._depth == 0:
            self._acquire()
        self._depth += 1
        return self

    def _acquire(self) -> None:
        """Wait for the lock. Raises: LockError naming the holder."""
        began = changed = time.monotonic()
        sign: object = None
        said = False
        while True:
            try:
                self._lock.acquire(timeout=0 if self.path in self._given_up else 1.0)
                break
            except Timeout:
                now, seen = time.monotonic(), self._sign()
                if seen != sign:
                    sign, changed = seen, now
                found = self._found()
                patience = STOPPED_S if is_stopped(found) else PATIENCE_S
                if now - changed >= patience or self.path in self._given_up:
                    self._given_up.add(self.path)
                    raise LockError(self._sentence(found)) from None
                if now - began >= SAY_S and not said:
                    said = True
                    self._say(f"waiting for {self._what}, which {_named(found)} is making")
        self._given_up.discard(self.path)
        with contextlib.suppress(OSError):
            facts = {"host": platform.node(), "pid": os.getpid(), "since": time.time()}
            self.holder.write_text(json.dumps(facts), encoding="utf-8")
        self._beating.add(self.holder)
        self._start_beating()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._beating.discard(self.holder)
            with contextlib.suppress(OSError):
                self.holder.unlink()
            self._lock.release()

    def _sign(self) -> object:
        """What changes while the holder lives."""
        try:
            return self.holder.stat().st_mtime_ns, self.holder.read_bytes()
        except OSError:
            return None

    def _found(self) -> dict[str, Any]:
        try:
            found = json.loads(self.holder.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _sentence(self, found: dict[str, Any]) -> str:
        state = "is stopped" if is_stopped(found) else "gives no sign of life"
        return (
            f"{self._what} is held by {_named(found)}, which {state}: let it go on or end it, then go on with "
            f"--resume (lock {self.path})"
        )

    @classmethod
    def _start_beating(cls) -> None:
        if cls._thread is None or not cls._thread.is_alive():
            cls._thread = threading.Thread(target=cls._beat, daemon=True, name="foresight-locks")
            cls._thread.start()

    @classmethod
    def _beat(cls) -> None:
        while True:
            time.sleep(BEAT_S)
            for holder in list(cls._beating):
                with contextlib.suppress(OSError):
                    os.utime(holder)


def _named(found: dict[str, Any]) -> str:
    """``process 12 on host, since 3 min``; outside text, so letters and digits alone are kept of it."""
    if not found:
        return "an unknown process"
    host = "".join(mark for mark in str(found.get("host")) if mark.isalnum() or mark in "-._")[:64]
    try:
        minutes = max(0.0, time.time() - float(found["since"])) / 60
        return f"process {int(found['pid'])} on {host}, for {minutes:.0f} min"
    except (KeyError, TypeError, ValueError):
        return f"a process on {host}"


def is_stopped(found: dict[str, Any]) -> bool:
    """Whether a holder of this machine is stopped."""
    import psutil

    if found.get("host") != platform.node():
        return False
    try:
        return bool(psutil.Process(int(found["pid"])).status() == psutil.STATUS_STOPPED)
    except (psutil.Error, KeyError, TypeError, ValueError):
        return False


def is_alive(pid: int) -> bool:
    """Whether a process of this machine is there."""
    import psutil

    return bool(psutil.pid_exists(pid))
