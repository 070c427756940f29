"""What of published weights lies on this machine, and whether it is what was published. Uses no network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, NamedTuple

from foresight_harness.contracts.specs.weights import PublishedFile, PublishedWeights
from foresight_harness.parts.weights.folder import MIRROR_VARIABLE, find_torchvision, weights_folder
from foresight_harness.parts.weights.hashing import file_sha256

State = Literal["published", "unknown", "wrong", "absent"]
"""``published``: here, with the published hash. ``unknown``: here, and nobody says what its hash should be. ``wrong``:
here under that name with another content. ``absent``."""


class Standing(NamedTuple):
    """One published file, held against this machine."""

    entry: PublishedFile
    state: State
    path: Path | None
    sha256: str | None
    """Of the file that is here."""


def standing_of(weights: PublishedWeights) -> list[Standing]:
    """Every file of the table's row, in its order."""
    return [_standing(weights, entry) for entry in weights.files]


def is_published(weights: PublishedWeights) -> bool:
    """Whether all its files are here and are the published ones."""
    found = standing_of(weights)
    return bool(found) and all(entry.state == "published" for entry in found)


def local_file(weights: PublishedWeights, file: str) -> Path | None:
    """Where a file of these weights lies on this machine; None where it does not."""
    if weights.address is not None:
        return find_torchvision(file)
    folder = weights_folder() / (weights.repository if weights.member is None else weights.name)
    if (folder / file).is_file():
        return folder / file
    return None if weights.member is not None else _in_hub_cache(weights, file)


def _in_hub_cache(weights: PublishedWeights, file: str) -> Path | None:
    if os.environ.get(MIRROR_VARIABLE):
        return None  # the loader looks nowhere else then
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(weights.repository, file, revision=weights.commit)
    return Path(found) if isinstance(found, str) else None


def _standing(weights: PublishedWeights, entry: PublishedFile) -> Standing:
    path = local_file(weights, entry.file)
    if path is None:
        return Standing(entry, "absent", None, None)
    found = file_sha256(path)
    if not weights.expected(entry):
        return Standing(entry, "unknown", path, found)
    return Standing(entry, "published" if weights.knows(entry.file, found) else "wrong", path, found)
