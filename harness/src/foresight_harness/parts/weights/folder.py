"""The folder of this machine that published weights are fetched into and looked for in."""

from __future__ import annotations

import os
from pathlib import Path

MIRROR_VARIABLE = "FORESIGHT_WEIGHTS"
"""Environment variable: a folder with weights under their names and Hub ids, for machines without a network too."""

TORCHVISION = "torchvision"
"""Folder of torchvision's own files, under their own names."""


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/foresight``, else ``~/.cache/foresight``: what may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "foresight"


def weights_folder() -> Path:
    """``$FORESIGHT_WEIGHTS``, else ``weights`` in the user's cache. It need not exist."""
    named = os.environ.get(MIRROR_VARIABLE)
    return Path(named).expanduser() if named else cache_folder() / "weights"


def torchvision_folders() -> tuple[Path, ...]:
    """Where torchvision's own files may lie: our folder, then torch's checkpoint folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    torch_home = Path(os.environ.get("TORCH_HOME") or cache / "torch").expanduser()
    return (weights_folder() / TORCHVISION, torch_home / "hub" / "checkpoints")


def find_torchvision(file: str) -> Path | None:
    """One of torchvision's own files, not yet verified; None where it is not on this machine."""
    return next((path for folder in torchvision_folders() if (path := folder / file).is_file()), None)
