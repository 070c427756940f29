"""One process at a time keeps a run: whoever would go on with it meanwhile is refused. Imports no torch."""

from __future__ import annotations

import contextlib
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from foresight_harness.contracts.errors import UsageError

NAME = ".keeper"
"""In the run folder, while a session goes on. What a killed one leaves of it stops nobody."""


class Held:
    """A run that this process keeps, until it lets go or ends, however it ends."""

    def __init__(self, run: Path) -> None:
        self._path = run / NAME
        self._lock: FileLock | None = FileLock(self._path)

    def take(self) -> None:
        """Take it. A file system that knows no locks is passed over, and so is a second keeper of this very process.

        Raises:
            UsageError: naming the process that keeps the run.
        """
        assert self._lock is not None
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            self._lock = None
            holder = _holder_of(self._path)
            if (holder.get("host"), holder.get("pid")) == (platform.node(), os.getpid()):
                return
            who, host, since = (holder.get(name) or "unknown" for name in ("pid", "host", "since"))
            raise UsageError(
                f"--resume: {self._path.parent.name} is being kept by process {who} on {host} since {since}; "
                "wait for its end, or end it"
            ) from None
        except (OSError, NotImplementedError):
            self._lock = None
            return
        facts = {"host": platform.node(), "pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        with contextlib.suppress(OSError):
            _beside(self._path).write_text(json.dumps(facts), encoding="utf-8")

    def let_go(self) -> None:
        """Leave it to others, and nothing of the lock."""
        if self._lock is None:
            return
        for path in (_beside(self._path), self._path):
            with contextlib.suppress(OSError):
                path.unlink()
        self._lock.release()
        self._lock = None


def hold(run: Path) -> Held:
    """Keep a run. Raises: UsageError where another process does."""
    held = Held(run)
    held.take()
    return held


def _beside(lock: Path) -> Path:
    return lock.with_name(f"{lock.name}.holder")


def _holder_of(lock: Path) -> dict[str, object]:
    try:
        found = json.loads(_beside(lock).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return {name: found.get(name) for name in ("host", "pid", "since")} if isinstance(found, dict) else {}
