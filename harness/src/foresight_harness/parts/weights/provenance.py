"""Where weights came from, known before a model is built, so that cached features can be found without it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.contracts.specs import BuildRequest
from foresight_harness.contracts.specs.models import WeightsKind
from foresight_harness.parts.weights.checkpoint import checkpoint_folder, hub_revision, weight_files


@dataclass(frozen=True)
class Provenance:
    """The origin of a model's weights, as it stands in every record."""

    kind: WeightsKind
    sha256: str
    """Of the weight files (of the file itself where it is one alone); for random weights of configuration and seed."""
    repo: str | None = None
    """Hub id, or the folder or file that the user named."""
    revision: str | None = None
    """Commit of the Hub that was really loaded; None where a folder says nothing about it."""
    seed: int | None = None
    """Seed of random weights; None otherwise."""

    def as_json(self) -> dict[str, Any]:
        """Flat mapping of JSON values."""
        return asdict(self)


def provenance_of(
    name: str,
    config: Mapping[str, Any],
    request: BuildRequest,
    *,
    repo: str | None = None,
    revision: str | None = None,
    subfolder: str | tuple[str, ...] | None = None,
) -> Provenance:
    """Origin of the weights that ``request`` will load.

    Raises:
        CheckpointError: if pretrained weights are asked for and cannot be found.
    """
    if request.weights == "random":
        content = json.dumps({"name": name, "config": config, "seed": request.seed}, sort_keys=True, default=str)
        return Provenance("random", hashlib.sha256(content.encode()).hexdigest(), seed=request.seed)
    if request.source is not None and Path(request.source).is_file():
        return Provenance(request.weights, _sha256_of(Path(request.source)), repo=request.source)
    digest = hashlib.sha256()
    for part in subfolder if isinstance(subfolder, tuple) else (subfolder,):
        folder = checkpoint_folder(request.source, repo, revision, subfolder=part)
        weights = folder / part if part and (folder / part).is_dir() else folder
        if weights == folder and isinstance(subfolder, tuple):
            raise CheckpointError(f"{folder} has no folder {part}; {name} needs a whole pipeline, not one part of it")
        for path in [weights / "config.json", *weight_files(weights)]:
            if path.is_file():
                digest.update(f"{path.name}:{_sha256_of(path)}\n".encode())
    taken = request.source or repo or ""
    return Provenance(request.weights, digest.hexdigest(), repo=taken.partition("@")[0], revision=hub_revision(folder))


def _sha256_of(path: Path) -> str:
    stat = path.stat()
    return _file_sha256(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _file_sha256(path: Path, size: int, mtime_ns: int) -> str:
    """sha256 of a file; size and time are part of the memory key so that a changed file is read again."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
