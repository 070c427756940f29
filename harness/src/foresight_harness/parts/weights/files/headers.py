"""Headers of safetensors files: names, kinds and shapes of tensors, and what else a file may be instead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from foresight_harness.contracts.errors import CheckpointError

LONGEST_HEADER = 100 * 2**20
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})
TABLES = frozenset({"I64", "BOOL"})
"""Kinds of positions and masks, which are no weights."""
STARTS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file: run git lfs pull"),
    (b"<", "an HTML page, perhaps of a login: download it again"),
    (b"PK\x03\x04", "a ZIP archive or a pickle of torch, under another name: convert it with save_file"),
    (b"\x80", "a pickle under another name: convert it with safetensors.torch.save_file"),
    (b"GGUF", "a GGUF file under another name"),
    (b"{", "JSON: an index under another name, perhaps"),
)
"""First bytes, and what a file is that begins with them."""


class Stored(NamedTuple):
    """One tensor as a header tells it."""

    kind: str
    """As safetensors names it: ``F32``, ``I8`` ..."""
    shape: tuple[int, ...]


def require_there(path: Path, wanted_by: str) -> None:
    """Refuse a file that is absent, or a link to nothing. Raises: CheckpointError."""
    if path.is_file():
        return
    if path.is_symlink():
        raise CheckpointError(
            f"{path}{wanted_by} is a link to {path.readlink()}, which is not there; download it again"
        )
    raise CheckpointError(f"{path}{wanted_by} is {'no file' if path.exists() else 'not there'}; download it again")


def header_of(path: Path) -> dict[str, Stored]:
    """Tensors of a safetensors file by name, without reading any of them.

    Raises:
        CheckpointError: if it is another file, or not as long as its header promises.
    """
    require_there(path, "")
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(64)
        length = int.from_bytes(start[:8], "little")
        stream.seek(8)
        written = stream.read(length) if 2 <= length <= min(size, LONGEST_HEADER) else b""
    try:
        header = {name: entry for name, entry in json.loads(written).items() if name != "__metadata__"}
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        found = {name: Stored(str(entry["dtype"]), tuple(entry["shape"])) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} is not a safetensors file: {what_instead(start)}") from error
    if 8 + length + end != size:
        raise CheckpointError(
            f"{path} is damaged: {size} bytes, its header promises {8 + length + end}; download it again"
        )
    return found


def what_instead(start: bytes) -> str:
    """What a file is that is not what its name says, by its first bytes, and what to do."""
    if not start:
        return "it is empty; download it again"
    return next((f"it is {what}" for begin, what in STARTS if start.startswith(begin)), "download it again")


def require_floats(path: Path, header: dict[str, Stored]) -> None:
    """Refuse matrices of whole numbers or of eight bits: their scales are elsewhere, or gone.

    Raises:
        CheckpointError: naming the first.
    """
    for name, stored in header.items():
        if stored.kind not in FLOATS | TABLES and len(stored.shape) > 1:
            raise CheckpointError(
                f"{path}: {name} is stored as {stored.kind}: the weights are quantised, and only floating-point ones "
                "are loaded; use the checkpoint that they were made from"
            )
