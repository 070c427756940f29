"""What runs that were killed left half-written in a store: ``making/*``. Imports no torch."""

from __future__ import annotations

import os
import platform
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from foresight_harness.contracts.locks import is_alive

MAKING = "making"
OLD_S = 86400.0
"""Seconds without a change after which what another machine was making counts as left."""


def making_place(root: Path, key: str) -> Path:
    """Where this process makes an entry, before it is moved to its place: named after key and process."""
    return root / MAKING / f"{key}.{uuid.uuid4().hex[:8]}.{os.getpid()}@{platform.node()}"


def leftovers(root: Path) -> Iterator[tuple[Path, int]]:
    """Half-written entries that nobody is making any more, with their bytes."""
    for place in sorted((root / MAKING).glob("*")):
        try:
            files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
            size = sum(path.stat().st_size for path in files)
            touched = max(path.stat().st_mtime for path in [place, *files])
        except OSError:  # gone meanwhile
            continue
        if _is_left(root, place.name, touched):
            yield place, size


def remove_leftovers(root: Path) -> tuple[int, int]:
    """Remove them. Returns: how many went, and their bytes."""
    count = freed = 0
    for place, size in list(leftovers(root)):
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)
        if not place.exists():
            count, freed = count + 1, freed + size
    return count, freed


def _is_left(root: Path, name: str, touched: float) -> bool:
    key, _, rest = name.partition(".")
    pid, at, host = rest.partition(".")[2].partition("@")
    if at and pid.isdecimal():
        return not is_alive(int(pid)) if host == platform.node() else time.time() - touched > OLD_S
    try:  # of an older version, which names no process: whoever makes the entry holds its lock
        (root / "locks").mkdir(parents=True, exist_ok=True)
        with FileLock(root / "locks" / f"{key}.lock", timeout=0):
            return True
    except Timeout:
        return False
