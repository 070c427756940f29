"""sha256 of weight files; of large ones remembered over runs, as long as nothing about the file has changed."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from functools import lru_cache
from pathlib import Path

from foresight_harness.parts.weights.folder import cache_folder

LARGE_BYTES = 16 * 2**20
"""Below it, reading again is quicker than remembering is worth."""

REMEMBERED_FILES = 2000


def file_sha256(path: Path) -> str:
    """sha256 of a file's content, in hexadecimal.

    Path, size, both times and the file's number are the memory's key: a file that was written since is read again.

    Raises:
        OSError: if it cannot be read.
    """
    found = path.stat()
    return _sha256(path.absolute(), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


@lru_cache(maxsize=1024)
def _sha256(path: Path, size: int, mtime_ns: int, ctime_ns: int, number: int) -> str:
    known = [size, mtime_ns, ctime_ns, number]
    entry = _remembered().get(str(path)) if size >= LARGE_BYTES else None
    if isinstance(entry, list) and len(entry) == 5 and entry[:4] == known and _is_sha256(entry[4]):
        return str(entry[4])
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if size >= LARGE_BYTES:
        _remember(str(path), [*known, found])
    return found


def _is_sha256(text: object) -> bool:
    return isinstance(text, str) and len(text) == 64 and set(text) <= set("0123456789abcdef")


def _memory() -> Path:
    return cache_folder() / "sha256.json"


def _remembered() -> dict[str, object]:
    try:
        found = json.loads(_memory().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remember(path: str, entry: list[object]) -> None:
    """Written beside and put in place; what another process adds meanwhile may be lost, and is then read again."""
    known = _remembered()
    known.pop(path, None)
    known[path] = entry
    kept = dict(list(known.items())[-REMEMBERED_FILES:])
    try:
        _memory().parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=_memory().parent, prefix="sha256-")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(kept, stream)
        Path(name).replace(_memory())
    except OSError:
        return  # a cache that cannot be written costs time, not truth
