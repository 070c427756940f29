"""Which files of a checkpoint folder hold its weights: one whole set, never two, never what lies beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.parts.weights.files.headers import require_there

ENDING = ".safetensors"
INDEX = ".safetensors.index.json"
STEMS = ("model", "diffusion_pytorch_model")
"""Names that the libraries write, without their ending."""
SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.safetensors")
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
ADAPTER = "adapter_config.json"
"""Beside the changes of a fine-tuning (LoRA and its kin), which are no weights of their own."""


class WeightFiles(NamedTuple):
    """What is read of a folder, and what is not."""

    read: list[Path]
    """In the order of their names."""
    passed_over: list[str]
    """Names of weights beside them."""
    plain: bool
    """Whether the libraries, which read by fixed names, would read the same files and nothing else."""


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that hold a checkpoint's weights, in name order.

    They are ``model.safetensors`` (``diffusion_pytorch_model`` of diffusers), or exactly the files that the index of
    that name says; else the only numbered set of shards, if it is whole, else the only file. What lies beside them is
    passed over.

    Raises:
        CheckpointError: in one line, where there are none, or it is not clear which they are.
    """
    return find_weights(folder).read


def find_weights(folder: Path) -> WeightFiles:
    """``weight_files``, and what lies beside them. Raises: CheckpointError."""
    there = {path.name: path for path in sorted(folder.glob(f"*{ENDING}")) if not path.name.startswith(".")}
    if not there:
        raise CheckpointError(_why_none(folder))
    indexes = [path for path in sorted(folder.glob(f"*{INDEX}")) if not path.name.startswith(".")]
    known = [path for path in indexes if path.name.removesuffix(INDEX) in STEMS]
    single = {f"{stem}{ENDING}": [f"{stem}{ENDING}"] for stem in STEMS if f"{stem}{ENDING}" in there}
    standard = bool(single or known)
    used = known if standard or len(indexes) != 1 else indexes
    named = {f"what {path.name} names": _named(path) for path in used}
    indexed = {name for names in named.values() for name in names}
    whole = {what: names for what, names in single.items() if not indexed.issuperset(names)} | named
    if not whole:
        others = [name for name in there if not name.startswith("adapter_")]
        whole = _unnamed(folder, others)
    if len(whole) > 1:
        raise CheckpointError(f"{folder} holds its weights twice: {' and '.join(whole)}; keep one of them")
    if not whole:
        raise CheckpointError(_why_none(folder))
    (names,) = whole.values()
    for name in names:
        require_there(folder / name, _wanted_by(name, named))
    beside = [name for name in there if name not in names]
    plain = standard and not (folder / ADAPTER).is_file()
    return WeightFiles([folder / name for name in names], beside, plain)


def _named(index: Path) -> list[str]:
    """Files that an index names, sorted. Raises: CheckpointError."""
    require_there(index, "")
    try:
        found = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        if not found or any(Path(name).name != name for name in found):
            raise ValueError("it names no files of its folder")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{index} is not a weight index: {error!r}") from error
    names = sorted(found)
    absent = [name for name in names if not (index.parent / name).exists() and not (index.parent / name).is_symlink()]
    if absent:
        raise CheckpointError(
            f"{index.parent}: {index.name} names {absent[0]} ({len(absent)} absent); download it again"
        )
    return names


def _wanted_by(name: str, named: Mapping[str, list[str]]) -> str:
    return next((f" ({what})" for what, names in named.items() if name in names), "")


def _unnamed(folder: Path, names: list[str]) -> dict[str, list[str]]:
    """Weights that neither a name nor an index tells: whole sets of shards, else single files.

    Raises:
        CheckpointError: where a set of shards is not whole.
    """
    sets: dict[tuple[str, str], list[str]] = {}
    for name in names:
        if found := SHARD.fullmatch(name):
            sets.setdefault((found[1], found[3]), []).append(name)
    for (stem, count), shards in sets.items():
        wanted = [f"{stem}-{number:05d}-of-{count}{ENDING}" for number in range(1, int(count) + 1)]
        absent = [name for name in wanted if name not in shards]
        if absent:
            raise CheckpointError(
                f"{folder} holds {len(shards)} of {len(wanted)} shards and no index: {absent[0]} is absent; download "
                "it again"
            )
    if sets:
        return {f"{stem}-*-of-{count}{ENDING}": shards for (stem, count), shards in sets.items()}
    if len(names) > 1:
        raise CheckpointError(
            f"{folder} holds {' and '.join(names[:3])}{' and more' if len(names) > 3 else ''}, and none is called "
            f"model{ENDING}; keep one, or name one so"
        )
    return {name: [name] for name in names}


def _why_none(folder: Path) -> str:
    """What lies there instead of weights. Raises: CheckpointError where an index names what is not there."""
    if (folder / ADAPTER).is_file() or any(folder.glob(f"adapter_*{ENDING}")):
        return adapter_message(folder)
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    pickles = [name for name in names if name.endswith(PICKLES)]
    if pickles:
        return (
            f"{folder} holds its weights as a pickle ({pickles[0]}), which can run code when read; "
            "only safetensors are loaded. Convert it with safetensors.torch.save_file."
        )
    for ending, what in ((".gguf", "GGUF"), (".onnx", "ONNX"), (".npz", "NumPy"), (".h5", "Keras")):
        found = [name for name in names if name.endswith(ending)]
        if found:
            return f"{folder} holds its weights as {what} ({found[0]}); only safetensors are loaded"
    for index in sorted(folder.glob(f"*{INDEX}")):
        _named(index)
    inner = sorted(path.parent.name for path in folder.glob(f"*/*{ENDING}"))
    hint = f"; there is one in {folder / inner[0]}" if inner else ""
    return f"{folder} holds no *{ENDING} file{hint}"


def adapter_message(folder: Path) -> str:
    """What a folder of LoRA weights is, and what to do."""
    base = None
    with suppress(OSError, ValueError, AttributeError):
        base = json.loads((folder / ADAPTER).read_text(encoding="utf-8")).get("base_model_name_or_path")
    of = f" of {' '.join(str(base).split())[:80]}" if base else ""
    return (
        f"{folder} is an adapter{of} (LoRA or its kin), not whole weights; merge it into its model first "
        "(merge_and_unload, then save_pretrained)"
    )
