"""Upkeep of a store: what lies in it, what is damaged, what can go. Imports no torch."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

INDEX = "index.json"


@dataclass(frozen=True)
class Entry:
    """One stored array."""

    key: str
    folder: Path
    kind: str
    """``features``, ``latents``, ``clips``; ``damaged`` where its index cannot be read."""
    of: str
    """Encoder@tap, decoder or data set that it belongs to."""
    bytes: int
    used: float
    """When it was last opened, in seconds since the epoch."""


def entries(root: Path) -> list[Entry]:
    """Every entry, least recently used first."""
    found = [_entry(folder) for folder in root.glob("??/*") if folder.is_dir() and len(folder.name) == 64]
    return sorted(found, key=lambda entry: (entry.used, entry.key))


def _entry(folder: Path) -> Entry:
    size = sum(path.stat().st_size for path in folder.iterdir())
    try:
        index: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        choices = index["choices"]
        kind = str(choices["kind"])
        named = f"{choices['encoder']}@{choices['tap']}" if kind == "features" else str(choices.get("decoder", ""))
        return Entry(folder.name, folder, kind, named, size, (folder / INDEX).stat().st_mtime)
    except (OSError, ValueError, KeyError, TypeError):
        return Entry(folder.name, folder, "damaged", "", size, 0.0)


def damage(root: Path) -> Iterator[tuple[Entry, str]]:
    """Entries whose content is not what their index says, each with the file that differs."""
    for entry in entries(root):
        if entry.kind == "damaged":
            yield entry, INDEX
            continue
        index = json.loads((entry.folder / INDEX).read_text(encoding="utf-8"))
        for shard in index["shards"]:
            path = entry.folder / shard["file"]
            if not path.is_file() or _sha256(path) != shard["sha256"]:
                yield entry, shard["file"]
                break


def prune(root: Path, most_bytes: int, spared: Iterable[str] = ()) -> list[Entry]:
    """Remove what was used longest ago until the store is no larger than that.

    Args:
        root: Folder of the store.
        most_bytes: Size to come down to.
        spared: Keys, or the start of keys, that stay: what baselines were measured on. What another process is making
            at the moment stays too.

    Returns:
        The entries that were removed.
    """
    kept = tuple(spared)
    present = entries(root)
    total = sum(entry.bytes for entry in present)
    removed = []
    for entry in present:
        if total <= most_bytes:
            break
        if entry.key.startswith(kept):
            continue
        if _removed(root, entry):
            removed.append(entry)
            total -= entry.bytes
    return removed


def remove(root: Path, chosen: Iterable[Entry]) -> int:
    """Remove entries; returns how many went."""
    return sum(_removed(root, entry) for entry in list(chosen))


def _removed(root: Path, entry: Entry) -> bool:
    (root / "locks").mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(root / "locks" / f"{entry.key}.lock", timeout=0):
            shutil.rmtree(entry.folder, ignore_errors=True)
    except Timeout:
        return False
    return not entry.folder.exists()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
