"""Photographs that lie inside the wheels of scikit-image and scikit-learn: found on disk, never downloaded."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import numpy as np

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.objects import Picture

FOLDERS = {"skimage": "data", "sklearn": "datasets/images"}
"""Where each package keeps its pictures."""


def shipped_path(package: str, file: str) -> Path:
    """Path of a picture inside an installed package. Raises: DataError naming the file that is not there.

    The package is located, not imported: ``skimage.data`` would fetch what its wheel does not hold.
    """
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise DataError(f"{package} is not installed, and {FOLDERS[package]}/{file} is part of its wheel")
    path = Path(found.submodule_search_locations[0]) / FOLDERS[package] / file
    if not path.is_file():
        raise DataError(f"{path} is not there; this version of {package} ships without {file}")
    return path


@lru_cache(maxsize=32)
def shipped_picture(package: str, file: str) -> Picture:
    """A shipped photograph, grey ones with three equal channels; read-only. [H_px, W_px, 3] uint8"""
    from PIL import Image

    with Image.open(shipped_path(package, file)) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    pixels.flags.writeable = False
    return pixels
