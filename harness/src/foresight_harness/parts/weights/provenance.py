"""Where weights came from, known before a model is built, so that cached features can be found without it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.contracts.specs import BuildRequest
from foresight_harness.contracts.specs.weights import PublishedWeights
from foresight_harness.parts.weights.checkpoint import check_weights, checkpoint_folder
from foresight_harness.parts.weights.files.headers import header_of
from foresight_harness.parts.weights.files.tensor_names import heads_in, listed
from foresight_harness.parts.weights.files.weight_files import ENDING, find_weights, weight_files
from foresight_harness.parts.weights.folder import find_torchvision
from foresight_harness.parts.weights.formats import NONE
from foresight_harness.parts.weights.hashing import file_sha256
from foresight_harness.parts.weights.hub_evidence import hub_commit, named_commit

ProvenanceKind = Literal["published", "pretrained", "nano", "random", "none"]
"""``published``: every file's sha256 is a known published one, or the Hub gave it at a recorded commit of the model's
own repository. ``pretrained``: complete, from elsewhere, or quantised when it was loaded. ``nano``: trained by a script
of this repository. ``random``: drawn from a seed. ``none``: there is nothing to load."""

WEIGHT_ENDINGS = (".safetensors", ".pth")


@dataclass(frozen=True)
class LoadedFile:
    """One file that a model was loaded from."""

    name: str
    """Path within the checkpoint's folder."""
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Provenance:
    """The origin of a model's weights, as it stands in every record."""

    kind: ProvenanceKind
    sha256: str
    """Of the weight file where it is one alone; of several of the lines that ``sha256sum`` prints for them; of random
    weights of configuration and seed."""
    repo: str | None = None
    """Hub id or name of the collection, or the folder or file that the user named."""
    revision: str | None = None
    """Commit of the Hub that was really loaded; None where a folder says nothing about it."""
    seed: int | None = None
    """Seed of random weights; None otherwise."""
    files: tuple[LoadedFile, ...] = ()
    """Weights and configuration; empty for random weights."""
    remarks: tuple[str, ...] = ()
    """What lies beside the weights and was not read, a sentence each."""
    quantize: str | None = None
    """What matrices were quantised to when they were loaded; None where they are as the files hold them."""

    def as_json(self) -> dict[str, Any]:
        """Mapping of JSON values."""
        return {**asdict(self), "files": [asdict(file) for file in self.files], "remarks": list(self.remarks)}

    @property
    def content(self) -> str:
        """What decides the features, for the keys of the cache: weights and configuration; of random weights the
        ``sha256``."""
        return _digest(self.files) if self.files else self.sha256


def provenance_of(
    name: str,
    config: Mapping[str, Any],
    request: BuildRequest,
    *,
    repo: str | None = None,
    revision: str | None = None,
    subfolder: str | tuple[str, ...] | None = None,
    published: PublishedWeights | None = None,
) -> Provenance:
    """Origin of the weights that ``request`` will load.

    Args:
        name: Of the model.
        config: Its declared configuration.
        request: Which weights, from where.
        repo: The spec's own Hub id.
        revision: The spec's pinned commit.
        subfolder: Part or parts of a pipeline checkpoint that hold the weights.
        published: What is known of the model's published files.

    Raises:
        CheckpointError: if pretrained weights are asked for and cannot be found.
    """
    if request.weights == "random":
        content = json.dumps({"name": name, "config": config, "seed": request.seed}, sort_keys=True, default=str)
        return Provenance("random", hashlib.sha256(content.encode()).hexdigest(), seed=request.seed)
    file = _single_file(request, published)
    folder: Path | None = None
    files: tuple[LoadedFile, ...]
    if file is not None:
        files = (_loaded(file, file.name),)
    else:
        folder, files = _files(name, request, repo, revision, subfolder)
    remarks = remarks_on(folder, files)
    weights = [entry for entry in files if entry.name.endswith(WEIGHT_ENDINGS)]
    taken = (request.source or repo or "").partition("@")[0]
    commit = hub_commit(folder, taken, weights) if folder is not None else None
    known = published is not None and _all_known(published, files)
    kind: ProvenanceKind = "nano" if request.weights == "nano" else "pretrained"
    if kind == "pretrained" and (known or (commit is not None and taken == repo)):
        kind = "published"
    quantize = None if request.quantize == NONE else request.quantize
    if quantize is not None and kind == "published":
        kind = "pretrained"  # the files are the published ones, and what runs is not
    if published is not None and known:
        taken, commit = published.repository, commit or published.commit
    elif file is not None:
        taken = str(request.source or file)
    sha256 = weights[0].sha256 if len(weights) == 1 else _digest(weights)
    if commit is None and folder is not None:
        commit = named_commit(folder)
    return Provenance(kind, sha256, repo=taken, revision=commit, files=files, remarks=remarks, quantize=quantize)


def remarks_on(folder: Path | None, files: Sequence[LoadedFile]) -> tuple[str, ...]:
    """What was not taken of a folder, a sentence each: weights beside its own, and heads behind its tokens.

    Args:
        folder: Of the whole checkpoint; None, and nothing to say, where one file was named.
        files: Those that are read.
    """
    weights = [] if folder is None else [folder / file.name for file in files if file.name.endswith(ENDING)]
    beside = sorted({name for folder in {path.parent for path in weights} for name in find_weights(folder).passed_over})
    heads = heads_in(name for path in weights for name in header_of(path))
    said = [f"passed over {listed(beside)} beside its weights"] if beside else []
    return (*said, *([f"left out {listed(heads)} behind its tokens"] if heads else []))


def _single_file(request: BuildRequest, published: PublishedWeights | None) -> Path | None:
    """The one file that is loaded: named by the user, or a library's own; None where it is a folder.

    Raises:
        CheckpointError: where a library's own file is not on this machine.
    """
    if request.source is not None:
        return Path(request.source) if Path(request.source).is_file() else None
    if published is None or published.address is None:
        return None
    return library_file(published)


def library_file(published: PublishedWeights) -> Path:
    """A library's own file on this machine. Raises: CheckpointError that says how to get it."""
    found = find_torchvision(published.files[0].file)
    if found is None:
        raise CheckpointError(
            f"{published.files[0].file} is not on this machine; foresight-bench weights fetch {published.name}"
        )
    return found


def _files(
    name: str,
    request: BuildRequest,
    repo: str | None,
    revision: str | None,
    subfolder: str | tuple[str, ...] | None,
) -> tuple[Path, tuple[LoadedFile, ...]]:
    """The checkpoint's folder, its weights and its configurations."""
    found: list[LoadedFile] = []
    for part in subfolder if isinstance(subfolder, tuple) else (subfolder,):
        folder = checkpoint_folder(request.source, repo, revision, subfolder=part)
        inner = folder / part if part and (folder / part).is_dir() else folder
        if inner == folder and isinstance(subfolder, tuple):
            raise CheckpointError(f"{folder} has no folder {part}; {name} needs a whole pipeline, not one part of it")
        check_weights(inner)
        for path in [inner / "config.json", *weight_files(inner)]:
            if path.is_file():
                found.append(_loaded(path, path.relative_to(folder).as_posix()))
    return folder, tuple(found)


def _loaded(path: Path, name: str) -> LoadedFile:
    return LoadedFile(name, file_sha256(path), path.stat().st_size)


def _all_known(published: PublishedWeights, files: Sequence[LoadedFile]) -> bool:
    """Whether all files are published ones. A configuration that the table does not list decides nothing: what is built
    is declared by the spec, and checkpoints that contradict it are refused."""
    hashes = {entry.sha256 for entry in published.files if entry.sha256}
    listed = {entry.file.rpartition("/")[2] for entry in published.files if published.expected(entry)}

    def known(file: LoadedFile) -> bool:
        return file.sha256 in hashes or published.knows(file.name, file.sha256)

    weights = [file for file in files if file.name.endswith(WEIGHT_ENDINGS)]
    others = [file for file in files if file not in weights and file.name.rpartition("/")[2] in listed]
    return bool(weights) and all(map(known, [*weights, *others]))


def _digest(files: Iterable[LoadedFile]) -> str:
    lines = "".join(f"{file.sha256}  {file.name}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()
