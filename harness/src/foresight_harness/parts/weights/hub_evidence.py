"""Whether the Hub's own client put a file where it lies, unchanged, and at which commit of which repository."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from foresight_harness.parts.weights.folder import MIRROR_VARIABLE, weights_folder

COMMIT = re.compile(r"[0-9a-f]{40}")


def named_commit(folder: Path) -> str | None:
    """The commit that a folder of the Hub's own cache is named after (``.../snapshots/COMMIT``); None for any other."""
    return folder.name if folder.parent.name == "snapshots" else None


class Hashed(Protocol):
    """A file with its real hash."""

    @property
    def name(self) -> str:
        """Path within the folder."""
        ...

    @property
    def sha256(self) -> str:
        """Of its content."""
        ...


def hub_commit(folder: Path, repo: str, files: Iterable[Hashed]) -> str | None:
    """The commit at which the Hub gave all these files of ``repo``; None where anything is missing or was changed.

    The client names what it stores after the sha256 that the Hub announced; a file whose content has another is no
    longer what was given. Two layouts are known: the client's cache, and a folder of ours that it filled.
    """
    commits = {_in_cache(folder, repo, file) or _in_mirror(folder, repo, file) for file in files}
    return commits.pop() if len(commits) == 1 else None


def _in_cache(folder: Path, repo: str, file: Hashed) -> str | None:
    """``models--ORG--NAME/snapshots/COMMIT/FILE``, a link to ``blobs/SHA256``."""
    root = folder.parent.parent
    named = root.name == f"models--{repo.replace('/', '--')}" and folder.parent.name == "snapshots"
    if not named or not COMMIT.fullmatch(folder.name):
        return None
    stored = (folder / file.name).resolve()
    return folder.name if stored == (root / "blobs" / file.sha256).resolve() else None


def _in_mirror(folder: Path, repo: str, file: Hashed) -> str | None:
    """``$FORESIGHT_WEIGHTS/ORG/NAME/FILE``, and beside it what the client wrote down: commit, sha256, time."""
    if not os.environ.get(MIRROR_VARIABLE) or folder != weights_folder() / repo:
        return None
    note = folder / ".cache" / "huggingface" / "download" / f"{file.name}.metadata"
    try:
        commit, announced = note.read_text(encoding="utf-8").splitlines()[:2]
    except (OSError, ValueError):
        return None
    return commit if COMMIT.fullmatch(commit) and announced == file.sha256 else None
