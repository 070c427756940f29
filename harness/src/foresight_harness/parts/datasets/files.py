"""Files of a folder as people have them: hidden ones passed over, linked folders followed, numbers in their order."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

PICTURES = frozenset(
    {"jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "tif", "tiff", "gif", "avif", "jp2", "heic", "heif"}
    | {"ppm", "pgm", "pbm", "pnm"}
)
"""Suffixes of files that are taken for pictures."""
ARCHIVED = "__MACOSX"
"""Folder of resource forks that macOS puts into ZIP archives."""


def is_picture(name: str) -> bool:
    """Whether a file's name is one of a picture."""
    return not name.startswith(".") and name.rpartition(".")[2].lower() in PICTURES


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """A key that puts 2 before 10: digits are compared as numbers, the rest as text."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name))


def files_below(folder: Path) -> Iterator[Path]:
    """Files below a folder, those of a folder together, in the order of their numbers.

    Linked folders are followed, each real folder once, so that links in a circle end. Hidden files and folders
    (``._NAME``, which macOS leaves beside every file, among them) are passed over.
    """
    seen: set[tuple[int, int]] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        found = Path(place).stat()
        if (found.st_dev, found.st_ino) in seen:
            folders.clear()
            continue
        seen.add((found.st_dev, found.st_ino))
        folders[:] = sorted((name for name in folders if not name.startswith(".") and name != ARCHIVED), key=natural)
        for name in sorted(files, key=natural):
            path = Path(place, name)
            if not name.startswith(".") and path.is_file():
                yield path
