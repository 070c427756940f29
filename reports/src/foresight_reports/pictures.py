"""Pictures of a run as the page shows them: inlined as data, or copied beside it in folder mode."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

TYPES = {"WEBP": "webp", "PNG": "png", "JPEG": "jpeg"}
INLINE_LIMIT = 15 * 2**20
"""Bytes of pictures as they stand in a single file, beyond which none is read: the page is too large already."""


@dataclass(frozen=True)
class Picture:
    """A picture that the page may show. ``href`` is a data URI or a path beside the page; a clip has a ``still``."""

    href: str
    width: int
    height: int
    still: str = ""


@dataclass
class PictureStore:
    """Hands out pictures and remembers what was left out.

    Attributes:
        inline: Whether pictures become data URIs; else they are collected in ``files``.
        files: Paths beside the page with their bytes, in folder mode.
        missing: Paths that the index names and that are no readable picture inside the run folder.
        left_out: Bytes of pictures, as they would stand in the page, that no longer fitted into the single file.
    """

    inline: bool
    files: dict[str, bytes] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    left_out: int = 0
    _known: dict[Path, Picture | None] = field(default_factory=dict)
    _spent: int = 0

    def get(self, folder: Path, name: object) -> Picture | None:
        """The picture at a path relative to the run folder, None where it cannot be shown.

        A path that leaves the run folder is not followed: an index is data, and must not be able to put any file of
        the reader's machine into a page that is passed on.
        """
        if not isinstance(name, str) or not name:
            return None
        file = (folder / name).resolve()
        if file not in self._known:
            self._known[file] = self._load(folder, file, name)
        return self._known[file]

    def shot(self, folder: Path, line: Mapping[str, Any]) -> Picture | None:
        """The picture of a line of the media index, with its still where it moves."""
        picture, still = self.get(folder, line.get("path")), self.get(folder, line.get("still"))
        return replace(picture, still=still.href) if picture is not None and still is not None else picture

    def _load(self, folder: Path, file: Path, name: str) -> Picture | None:
        if not file.is_relative_to(folder.resolve()):
            self.missing.append(name)
            return None
        try:
            with Image.open(file) as image:
                kind, (width, height) = TYPES[image.format or ""], image.size
            data = file.read_bytes()
        except (OSError, KeyError, UnidentifiedImageError, ValueError):
            self.missing.append(name)
            return None
        if not self.inline:
            path = f"img/{sha256(data).hexdigest()[:16]}.{kind}"
            self.files[path] = data
            return Picture(path, width, height)
        if self._spent + len(data) * 4 // 3 > INLINE_LIMIT:
            self.left_out += len(data) * 4 // 3
            return None
        self._spent += len(data) * 4 // 3
        return Picture(f"data:image/{kind};base64,{base64.b64encode(data).decode()}", width, height)
