"""Checkpoint folders: local, from an offline mirror or the Hub; refused in one line when they cannot be trusted."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import CheckpointError

MIRROR_VARIABLE = "FORESIGHT_WEIGHTS"
"""Environment variable: a folder with checkpoints under their Hub ids, for machines without a network."""

PATTERNS = ("*.safetensors", "*.json", "*.txt", "*.model", "*/*.safetensors", "*/*.json", "*/*.txt", "*/*.model")
"""What is downloaded: never pickles, never code."""

INSTALLED = "package:"
"""What the name of a checkpoint that lies inside an installed package begins with."""

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def checkpoint_folder(
    source: str | None, repo: str | None, revision: str | None, *, subfolder: str | None = None
) -> Path:
    """Find the folder of a checkpoint in the published layout.

    A name like ``package:NAME/FOLDER`` is a folder of an installed package. Else looks, in this order, at ``source`` as
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
        folder = Path(mirror) / identity
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


def hub_revision(folder: Path) -> str | None:
    """The commit that a folder of the Hub's own cache holds (``.../snapshots/COMMIT``); None for any other folder."""
    return folder.name if folder.parent.name == "snapshots" else None


def _installed(wanted: str) -> Path:
    """Folder of weights that an installed package carries (``package:NAME/FOLDER``); the package is not imported."""
    package, _, inner = wanted.removeprefix(INSTALLED).partition("/")
    found = importlib.util.find_spec(package) if package.isidentifier() else None
    for place in (found and found.submodule_search_locations) or ():
        if inner and (Path(place) / inner).is_dir():
            return Path(place) / inner
    raise CheckpointError(f"checkpoint {wanted} is not installed; reinstall the package {package!r} with its data")


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
    if not path.is_file():
        raise CheckpointError(f"{folder} has no config.json; is it a checkpoint folder in the published layout?")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(config, dict):
        raise CheckpointError(f"{path} holds a {type(config).__name__}, not an object")
    return config


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint, in name order, complete by its index.

    Raises:
        CheckpointError: if there are none (pickles are named and refused), or the index names an absent file.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        pickles = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
        if pickles:
            raise CheckpointError(
                f"{folder} holds its weights as a pickle ({pickles[0]}), which can run code when read; "
                "only safetensors are loaded. Convert it with safetensors.torch.save_file."
            )
        raise CheckpointError(f"{folder} holds no *.safetensors file")
    for index in sorted(folder.glob("*.safetensors.index.json")):
        try:
            named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (json.JSONDecodeError, KeyError, AttributeError) as error:
            raise CheckpointError(f"{index} is not a weight index: {error!r}") from error
        absent = sorted(named - {path.name for path in files})
        if absent:
            raise CheckpointError(f"{folder}: {index.name} names {absent[0]} ({len(absent)} absent); download it again")
    return files


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
    for path in weight_files(folder):
        _check_safetensors(path)
    return config


def _check_safetensors(path: Path) -> None:
    """Compare the length that the header promises with the file's. Raises: CheckpointError."""
    size = path.stat().st_size
    try:
        with path.open("rb") as stream:
            head = int.from_bytes(stream.read(8), "little")
            if head > min(size, 100 * 2**20):
                raise ValueError("header longer than the file")
            header = json.loads(stream.read(head))
        end = max((entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"), default=0)
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is not a safetensors file ({error}); download it again") from error
    if 8 + head + end != size:
        raise CheckpointError(
            f"{path} is damaged: {size} bytes, its header promises {8 + head + end}; download it again"
        )
