"""Digests of what a picture shows: equal for equal pixels, whatever file format or compression they lie in.

A picture is decoded for its digest once on a machine: digests are remembered by the digest of the file's bytes, which
costs a fraction of that. Only pictures that a run reads are looked at.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.pictures import read_picture

VERSION = 1
"""Raised when the same picture gets another digest."""
LINE = re.compile(r"([0-9a-f]{64}) ([0-9a-f]{64})")


def pixels_digest(path: Path, size: tuple[int, int], max_pixels: int) -> str:
    """sha256 over the pixels of a picture in the orientation in which it has the annotated size. 64 hex digits

    Of a file that cannot be decoded it is that of its bytes: whoever reads the sample says what is wrong with it.

    Args:
        path: The picture.
        size: Annotated width and height, in pixels.
        max_pixels: Larger ones are not decoded.
    """
    with path.open("rb") as stream:
        content = hashlib.file_digest(stream, "sha256").hexdigest()
    key = hashlib.sha256(f"{content} {size[0]}x{size[1]}".encode()).hexdigest()
    known = _remembered(_memory())
    if key not in known:
        try:
            pixels = read_picture(path, size, max_pixels)
        except DataError:
            return content
        # 16 bit hold every value that a decoder gives of 8 or 16; of 8 bit each becomes 257 times itself.
        levels = np.rint(pixels * 65535).astype("<u2")
        known[key] = hashlib.sha256(str(levels.shape).encode() + levels.tobytes()).hexdigest()
        _remember(_memory(), f"{key} {known[key]}\n")
    return known[key]


def _memory() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "foresight" / f"pixels-{VERSION}.txt"


@lru_cache(maxsize=4)
def _remembered(path: Path) -> dict[str, str]:
    """What this machine knows; lines that are cut or damaged are passed over."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {}
    return {found[1]: found[2] for found in map(LINE.fullmatch, lines) if found}


def _remember(path: Path, line: str) -> None:
    with contextlib.suppress(OSError):  # then it is decoded again next time
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="ascii") as stream:
            stream.write(line)
