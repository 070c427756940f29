"""Where features lie: a folder, or a URL with a folder of this machine in front of it. Imports no torch."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from foresight_harness.contracts.errors import UsageError

MIRROR = "FORESIGHT_MIRROR"
"""Environment variable: folder for copies of what lies behind URLs; a fast local disk is best."""

MIRROR_GIB = "FORESIGHT_MIRROR_GIB"
"""Environment variable: size that the copies are brought down to, in GiB."""

DEFAULT_GIB = 50.0


def place_of(text: str) -> tuple[Path, str | None]:
    """What ``--feature-cache`` means: the folder that features are read from, and the URL behind it.

    Args:
        text: A folder, ``file:///folder``, or a URL that fsspec knows, such as ``s3://bucket/folder``.

    Returns:
        For a folder itself and None; for a URL the folder of its copies (``mirror_of``) and the URL.

    Raises:
        UsageError: for a ``file://`` URL that names another machine, and a URL that names nothing.
    """
    if "://" not in text:
        return Path(text), None
    parts = urlsplit(text)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise UsageError(
                f"--feature-cache {text}: a file URL has three slashes, file:///{parts.netloc}{parts.path}"
            )
        return Path(unquote(parts.path)), None
    if not parts.netloc and not parts.path.strip("/"):
        raise UsageError(f"--feature-cache {text} names no place; write {parts.scheme}://BUCKET/FOLDER")
    url = text.rstrip("/")
    return mirror_of(url), url


def mirror_of(url: str) -> Path:
    """Folder of this machine's copies of a URL: below ``FORESIGHT_MIRROR``, else ``~/.cache/foresight``."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    base = os.environ.get(MIRROR) or f"{home}/foresight"
    return Path(base).expanduser() / hashlib.sha256(url.encode()).hexdigest()[:16]


def mirror_bytes() -> int:
    """Size that copies are brought down to. Raises: UsageError."""
    text = os.environ.get(MIRROR_GIB) or str(DEFAULT_GIB)
    try:
        gib = float(text)
    except ValueError:
        gib = -1.0
    if not 0 <= gib < float("inf"):
        raise UsageError(f"{MIRROR_GIB}={text}: give a size in GiB, 0 or more")
    return int(gib * 2**30)
