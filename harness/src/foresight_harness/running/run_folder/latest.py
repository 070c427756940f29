"""``runs/latest``: a link to the newest run. What is there and is no link of ours is left alone."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

NAME = "latest"
NOTE = ".latest"
"""A file beside it that names the newest run, for where the link could not be made."""
RUN_ID = re.compile(r"\d{8}T\d{6}Z_[0-9A-Za-z]+_[0-9a-f]{4}")


def point_to(run: Path) -> str | None:
    """Make ``latest`` beside a run point to it.

    Returns:
        None, or one line about what stands in its place and was left alone.
    """
    out, link = run.parent, run.parent / NAME
    _note(out, run.name)
    if not _is_ours(link) and os.path.lexists(link):
        kind = "a link to elsewhere" if link.is_symlink() else "a folder" if link.is_dir() else "a file"
        return (
            f"{link} is {kind} that no run of this command made; it was left alone, and the newest run is {run.name}: "
            "remove or rename it, and the next run makes the link"
        )
    fresh = out / f".{NAME}-{secrets.token_hex(4)}"
    try:
        fresh.symlink_to(run.name)
        fresh.replace(link)
    except OSError as error:  # a file system without links: the run stands without it
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        return f"{link} could not be made ({error.strerror}); the newest run is {run.name}"
    return None


def newest(out: Path) -> Path | None:
    """The newest run below ``out``, whatever stands at ``latest``; None where nothing says which it is."""
    if _is_ours(out / NAME):
        return out / NAME
    with suppress(OSError, UnicodeDecodeError):
        name = (out / NOTE).read_text(encoding="utf-8").strip()
        if RUN_ID.fullmatch(name):
            return out / name
    return None


def _is_ours(link: Path) -> bool:
    """Whether it is a link to a run beside it."""
    try:
        return RUN_ID.fullmatch(str(link.readlink())) is not None
    except OSError:
        return False


def _note(out: Path, name: str) -> None:
    fresh = out / f"{NOTE}-{secrets.token_hex(4)}"
    with suppress(OSError):
        fresh.write_text(name + "\n", encoding="utf-8")
        fresh.replace(out / NOTE)
