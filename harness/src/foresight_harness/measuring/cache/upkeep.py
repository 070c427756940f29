"""Upkeep of a store: what lies in it, what is damaged, what can go. Imports no torch.

A store is a folder, or what stands behind a URL (a ``Bucket``).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from foresight_harness.measuring.cache.bucket import INDEX, Bucket, shards_of

Place = Path | Bucket


@dataclass(frozen=True)
class Entry:
    """One stored array."""

    key: str
    kind: str
    """``features``, ``latents``, ``clips``; ``damaged`` where its index cannot be read."""
    of: str
    """Encoder@tap, decoder or data set that it belongs to."""
    bytes: int
    used: float
    """When it was last opened, in seconds since the epoch."""


def entries(place: Place) -> list[Entry]:
    """Every entry, least recently used first."""
    if isinstance(place, Bucket):
        found = [_entry(key, place.index(key), size, used) for key, size, used in place.listed()]
    else:
        found = [_entry(*seen) for seen in _in_folder(place)]
    return sorted(found, key=lambda entry: (entry.used, entry.key))


def _in_folder(root: Path) -> Iterator[tuple[str, bytes | None, int, float]]:
    """Key, index, bytes and moment of last use of every entry. One that goes meanwhile is left out."""
    for folder in root.glob("??/*"):
        if len(folder.name) != 64:
            continue
        try:
            size = sum(path.stat().st_size for path in folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            continue
        try:
            yield folder.name, (folder / INDEX).read_bytes(), size, (folder / INDEX).stat().st_mtime
        except OSError:
            yield folder.name, None, size, 0.0


def _entry(key: str, index: bytes | None, size: int, used: float) -> Entry:
    try:
        choices: dict[str, Any] = json.loads(index or b"")["choices"]
        kind = str(choices["kind"])
        named = f"{choices['encoder']}@{choices['tap']}" if kind == "features" else str(choices.get("decoder", ""))
        return Entry(key, kind, named, size, used)
    except (ValueError, KeyError, TypeError):
        return Entry(key, "damaged", "", size, 0.0)


def damage(place: Place) -> Iterator[tuple[Entry, str]]:
    """Entries whose content is not what their index says, each with the file that differs."""
    for entry in entries(place):
        shards = None if entry.kind == "damaged" else shards_of(_index(place, entry.key))
        if shards is None:
            yield entry, INDEX
            continue
        for shard in shards:
            if not _is_sound(place, entry.key, shard):
                yield entry, shard["file"]
                break


def _index(place: Place, key: str) -> bytes:
    try:
        return (place.index(key) or b"") if isinstance(place, Bucket) else _folder(place, key, INDEX).read_bytes()
    except OSError:
        return b""


def _is_sound(place: Place, key: str, shard: dict[str, Any]) -> bool:
    if isinstance(place, Bucket):
        return place.is_sound(key, shard["sha256"])
    path = _folder(place, key, shard["file"])
    return path.is_file() and _sha256(path) == shard["sha256"]


def _folder(root: Path, key: str, *names: str) -> Path:
    return Path(root, key[:2], key, *names)


def prune(place: Place, most_bytes: int, spared: Iterable[str] = (), *, fresh_s: float = 0.0) -> list[Entry]:
    """Remove what was used longest ago until the store is no larger than that.

    Args:
        place: The store.
        most_bytes: Size to come down to.
        spared: Keys, or the start of keys, that stay: what baselines were measured on. What another process is making
            at the moment stays too.
        fresh_s: Entries that were used in the last so many seconds stay. One dated in the future does not: the clock
            was set back, and it would stay for ever.

    Returns:
        The entries that were removed.
    """
    kept, now = tuple(spared), time.time()
    present = entries(place)
    total = sum(entry.bytes for entry in present)
    removed = []
    for entry in present:
        if total <= most_bytes:
            break
        if entry.key.startswith(kept) or now - fresh_s < entry.used <= now:
            continue
        if _removed(place, entry):
            removed.append(entry)
            total -= entry.bytes
    return removed


def remove(place: Place, chosen: Iterable[Entry]) -> int:
    """Remove entries; returns how many went."""
    return sum(_removed(place, entry) for entry in list(chosen))


def _removed(place: Place, entry: Entry) -> bool:
    if isinstance(place, Bucket):
        place.remove(entry.key)
        return True
    (place / "locks").mkdir(parents=True, exist_ok=True)
    folder = _folder(place, entry.key)
    try:
        with FileLock(place / "locks" / f"{entry.key}.lock", timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        return False
    return not folder.exists()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
