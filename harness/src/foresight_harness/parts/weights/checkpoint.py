"""Checkpoint folders: local, from an offline mirror or the Hub; refused in one line when they cannot be trusted."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.parts.weights.files.config_facts import require_unquantised
from foresight_harness.parts.weights.files.headers import header_of, require_floats, require_there, what_instead
from foresight_harness.parts.weights.files.weight_files import ADAPTER, adapter_message, weight_files
from foresight_harness.parts.weights.folder import MIRROR_VARIABLE, weights_folder

PATTERNS = ("*.safetensors", "*.json", "*.txt", "*.model", "*/*.safetensors", "*/*.json", "*/*.txt", "*/*.model")
"""What is downloaded: never pickles, never code."""

INSTALLED = "package:"
"""What the name of a checkpoint that lies inside an installed package begins with."""

FETCHED = "fetched:"
"""What the name of a checkpoint begins with that ``weights fetch`` puts into the weights folder."""


def checkpoint_folder(
    source: str | None, repo: str | None, revision: str | None, *, subfolder: str | None = None
) -> Path:
    """Find the folder of a checkpoint in the published layout.

    A name like ``package:NAME/FOLDER`` is a folder of an installed package, ``fetched:NAME`` one of the weights folder
    that only ``weights fetch`` fills. Else looks, in this order, at ``source`` as
    a local folder, at ``$FORESIGHT_WEIGHTS/<id>``, then at the Hub (its local cache first).

    Args:
        source: Local folder or Hub id, with ``@REVISION`` or without, asked for by the user; None means ``repo``.
        repo: The spec's published Hub id.
        revision: The spec's pinned revision; used only with ``repo``.
        subfolder: Part of a pipeline that is wanted; from the Hub nothing else is fetched (a video pipeline's text
            encoder alone is many times its autoencoder). The folder returned is the whole checkpoint's all the same.

    Raises:
        CheckpointError: in one line that says what was looked for, where, and what to do.
    """
    wanted = source or repo
    if wanted is not None and wanted.startswith(INSTALLED):
        return _installed(wanted)
    if wanted is not None and wanted.startswith(FETCHED):
        return _fetched(wanted.removeprefix(FETCHED))
    if wanted is None:
        raise CheckpointError("pretrained weights asked for, but this model names no checkpoint; pass a folder")
    if Path(wanted).is_dir():
        return Path(wanted)
    if wanted.startswith((".", "/", "~")):
        there = "is a file; a folder in the published layout is needed" if Path(wanted).is_file() else "does not exist"
        raise CheckpointError(f"checkpoint folder {wanted} {there}")
    identity, _, asked = wanted.partition("@")
    mirror = os.environ.get(MIRROR_VARIABLE)
    if mirror:
        folder = weights_folder() / identity
        if asked:
            raise CheckpointError(
                f"revision {asked} of {identity} is asked for, and {MIRROR_VARIABLE}={mirror} knows no revisions; "
                f"name the folder, or unset {MIRROR_VARIABLE}"
            )
        if folder.is_dir():
            return folder
        raise CheckpointError(
            f"checkpoint {wanted} is not in {MIRROR_VARIABLE}={mirror}; copy it to {folder} or unset {MIRROR_VARIABLE}"
        )
    return _from_hub(identity, asked or (revision if wanted == repo else None), subfolder)


def _fetched(name: str) -> Path:
    """Folder that ``weights fetch NAME`` has filled."""
    folder = weights_folder() / name
    if not folder.is_dir():
        raise CheckpointError(f"{name} is not in {folder.parent}; fetch it: foresight-bench weights fetch {name}")
    return folder


def carried(wanted: str) -> Path | None:
    """Folder of weights that an installed package carries (``package:NAME/FOLDER``); the package is not imported."""
    package, _, inner = wanted.removeprefix(INSTALLED).partition("/")
    found = importlib.util.find_spec(package) if package.isidentifier() else None
    places = [Path(place) / inner for place in (found and found.submodule_search_locations) or () if inner]
    return next((place for place in places if place.is_dir()), None)


def _installed(wanted: str) -> Path:
    if (folder := carried(wanted)) is not None:
        return folder
    package = wanted.removeprefix(INSTALLED).partition("/")[0]
    told = f"checkpoint {wanted} is not installed"
    if not package.isidentifier() or importlib.util.find_spec(package) is None:
        raise CheckpointError(f"{told}; reinstall the package {package!r} with its data")
    raise CheckpointError(
        f"{told}: the package {package!r} does not carry it. Where its README says how to train it, do, and name the "
        "folder: --weights-source ENCODER=FOLDER"
    )


def _from_hub(repo: str, revision: str | None, subfolder: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    patterns = [f"{subfolder}/{pattern}" for pattern in PATTERNS if "/" not in pattern] if subfolder else PATTERNS
    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=list(patterns)))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:160]
        raise CheckpointError(
            f"checkpoint {repo} could not be fetched ({type(error).__name__}: {reason}). "
            f"Offline, set {MIRROR_VARIABLE}=DIR with DIR/{repo}, or use --weights random."
        ) from error


def read_config(folder: Path) -> dict[str, Any]:
    """Read ``config.json``. Raises: CheckpointError if it is absent or not JSON."""
    path = folder / "config.json"
    if path.is_symlink():
        require_there(path, "")
    if not path.is_file():
        if (folder / ADAPTER).is_file():
            raise CheckpointError(adapter_message(folder))
        raise CheckpointError(f"{folder} has no config.json; is it a checkpoint folder in the published layout?")
    return read_object(path)


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file of a checkpoint that holds one object. Raises: CheckpointError if it does not."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        start = path.read_bytes()[:64]
        known = f"; {what_instead(start)}" if not start.lstrip().startswith(b"{") else ""
        raise CheckpointError(f"{path} is not valid JSON: {error}{known}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, not an object")
    return content


def check_folder(
    folder: Path, *, model_types: Collection[str], native: Collection[str] = (), expected: str
) -> dict[str, Any]:
    """Refuse a folder that holds another architecture, pickled weights, damaged shards or a wish for remote code.

    Args:
        folder: In the published layout.
        model_types: Accepted ``model_type`` values of ``config.json``; ``_class_name`` for diffusers; the first of
            ``architectures`` where a published configuration has neither.
        native: Those of ``model_types`` whose published config names remote code that this plugin replaces by its own
            implementation; for all others such a wish is refused.
        expected: What the caller wanted, for the message (``"Qwen2.5-VL"``).

    Returns:
        The parsed ``config.json``.

    Raises:
        CheckpointError: in one line.
    """
    config = read_config(folder)
    found = config.get("model_type") or config.get("_class_name") or next(iter(config.get("architectures") or ()), None)
    if found not in model_types:
        raise CheckpointError(
            f"{folder} is a {found!r} checkpoint; {expected} needs {' or '.join(sorted(map(repr, model_types)))}"
        )
    if config.get("auto_map") and found not in native:
        code = sorted(map(str, config["auto_map"].values()))[0]
        raise CheckpointError(
            f"{folder}/config.json asks to run its own code ({code}), which is never done; "
            f"use a checkpoint of {expected} in the plain layout"
        )
    check_weights(folder)
    return config


def check_weights(folder: Path) -> None:
    """Refuse quantised, damaged or doubled weights by what their headers say; nothing is read.

    Raises:
        CheckpointError: in one line.
    """
    if (folder / "config.json").is_file():
        require_unquantised(folder / "config.json", read_config(folder))
    seen: dict[str, Path] = {}
    for path in weight_files(folder):
        header = header_of(path)
        require_floats(path, header)
        for name in header:
            if name in seen:
                raise CheckpointError(f"{folder} holds {name} twice, in {seen[name].name} and in {path.name}")
            seen[name] = path
