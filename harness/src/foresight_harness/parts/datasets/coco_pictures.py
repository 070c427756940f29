"""The file of a picture by the name that an export gives it: Windows names, prefixes, absolute paths, addresses."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.files import files_below, is_picture


class PictureFinder:
    """Finds pictures below some folders."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._listed: dict[str, frozenset[str]] = {}

    def find(self, name: str, where: str) -> Path:
        """The file that an export means by a name.

        The name is taken as it stands, below each folder in turn; then without the folders in front of it, with ``\\``
        as ``/``; then by its last part alone, whatever its case, where that is the name of one file only.

        Args:
            name: ``file_name`` of an image.
            where: The image, for the message.

        Raises:
            DataError: where there is no such file, or several.
        """
        for folder in self._folders:
            if self._has(folder, name):
                return folder / name
        inner = PurePosixPath(unquote(name.partition("?")[0]) if "://" in name else name.replace("\\", "/"))
        parts = [part for part in inner.parts if part not in ("/", ".", "..")]
        for start in range(len(parts)):
            for folder in self._folders:
                if self._has(folder, "/".join(parts[start:])):
                    return folder.joinpath(*parts[start:])
        found = self._by_last.get(_plain(unquote(parts[-1])) if parts else "", [])
        if len(found) == 1:
            return found[0]
        folder = self._folders[0] if self._folders else Path("images")
        if len(found) > 1:
            several = " and ".join(str(file) for file in found[:2])
            raise DataError(
                f"{folder / inner} does not exist, and {len(found)} files are called so ({several}); {where}"
            )
        if inner.is_absolute() or ".." in inner.parts:
            raise DataError(f"file_name {name!r} leads out of {folder}, and no such picture lies there; {where}")
        raise DataError(f"{folder / inner} does not exist; {where}{self._hint(parts)}")

    def _has(self, folder: Path, name: str) -> bool:
        """Whether a picture of that name lies in the folder or below it, and nowhere else."""
        inner, _, last = name.rpartition("/")
        if not last or ".." in inner.split("/") or name.startswith("/"):
            return False
        place = os.path.join(folder, inner) if inner else str(folder)  # noqa: PTH118 (a Path each takes a second)
        if place not in self._listed:
            try:
                with os.scandir(place) as entries:
                    self._listed[place] = frozenset(entry.name for entry in entries if entry.is_file())
            except OSError:
                self._listed[place] = frozenset()
        return last in self._listed[place]

    @cached_property
    def _by_last(self) -> dict[str, list[Path]]:
        """All pictures by the last part of their name, for names that lead nowhere."""
        found: dict[str, list[Path]] = {}
        known = set()
        for folder in self._folders:
            for file in files_below(folder):
                if is_picture(file.name) and file not in known:
                    known.add(file)
                    found.setdefault(_plain(file.name), []).append(file)
        return found

    def _hint(self, parts: Sequence[str]) -> str:
        stem = _plain(parts[-1]).rpartition(".")[0] if parts else ""
        alike = next(
            (files[0] for name, files in self._by_last.items() if stem and name.rpartition(".")[0] == stem), None
        )
        return f", and {alike} lies there" if alike is not None else ""


def _plain(name: str) -> str:
    """A name as case-blind systems compare it."""
    return unicodedata.normalize("NFC", name).casefold()
