"""Where the trained trunks of LPIPS lie on this machine, and whether they are LPIPS's. Its import imports no torch."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.contracts.specs.weights import PublishedWeights
from foresight_harness.parts.weights.folder import torchvision_folders, weights_folder
from foresight_harness.parts.weights.hashing import file_sha256
from foresight_harness.parts.weights.lpips_trunks import (
    LPIPS_TRUNKS,
    TORCHVISION_TRUNKS,
    WEIGHTS_FILE,
    Trunk,
    trunk_tensor_names,
)

if TYPE_CHECKING:
    from torch import Tensor

TRUNK_FILES: Mapping[Trunk, str] = {trunk: row.files[0].file for trunk, row in TORCHVISION_TRUNKS.items()}
"""torchvision's ImageNet classifiers; the hexadecimal part is the start of the file's sha256."""

TRUNK_TENSORS: Mapping[Trunk, str] = {
    "alex": "a887e20ad36005518601f809ec407b8ef04696e79df17765544b8cfc8b6798be",
    "vgg": "ffdc3c1204287d7f83cd1c309384de7cecd83e9c43c4c280723371e970f64282",
}
"""``tensors_sha256`` of LPIPS's trunks: what a file is known by that is none of the published ones."""

LPIPS = "lpips"
LPIPS_VGG = "lpips_vgg"
LPIPS_RANDOM_TRUNK = "lpips_random_trunk"
METRIC_NAMES: Mapping[Trunk, str] = {"alex": LPIPS, "vgg": LPIPS_VGG}

TrunkState = Literal["published", "same tensors", "wrong"]
"""``published``: a file of the table. ``same tensors``: trimmed or converted by somebody, and the same trunk.
``wrong``: damaged or another."""


class TrunkFile(NamedTuple):
    """A trunk's file, looked into."""

    path: Path
    state: TrunkState
    said: str
    """What it is, or why it is not LPIPS's trunk and what to do: one line, the same from loader and ``doctor``."""


def trunk_places(trunk: Trunk) -> tuple[Path, ...]:
    """Where a trunk may lie: fetched into the weights folder, then torchvision's own file there or in torch's cache."""
    fetched = weights_folder() / LPIPS_TRUNKS[trunk].name / WEIGHTS_FILE
    return (fetched, *(folder / TRUNK_FILES[trunk] for folder in torchvision_folders()))


def find_trunk(trunk: Trunk = "alex") -> Path | None:
    """File of a trunk, not yet verified; None where there is none. Cheap."""
    return next((path for path in trunk_places(trunk) if path.is_file()), None)


def lpips_metric_name() -> str:
    """``lpips`` where AlexNet's trunk lies on this machine, else ``lpips_vgg`` where VGG's does, else
    ``lpips_random_trunk``. Cheap."""
    return next((METRIC_NAMES[trunk] for trunk in METRIC_NAMES if find_trunk(trunk)), LPIPS_RANDOM_TRUNK)


def examine_trunk(path: Path, trunk: Trunk) -> TrunkFile:
    """Whether a file holds LPIPS's trunk: by the file's own sha256, else by its tensors, whatever else it holds."""
    try:
        found = path.stat()
        return _examined(path, trunk, found.st_size, found.st_mtime_ns)
    except OSError as error:
        return TrunkFile(path, "wrong", f"LPIPS trunk {path} cannot be read: {error.strerror}")


@lru_cache(maxsize=8)
def _examined(path: Path, trunk: Trunk, size: int, mtime_ns: int) -> TrunkFile:
    """Size and time are part of the memory key so that a changed file is looked into again."""
    row = next((row for row in _rows(trunk) if row.knows(row.files[0].file, file_sha256(path))), None)
    if row is not None:
        return TrunkFile(path, "published", f"{row.files[0].file} of {row.repository}, published")
    try:
        digest = tensors_sha256(trunk, read_trunk(path, trunk))
    except CheckpointError as error:
        return TrunkFile(path, "wrong", str(error))
    if digest == TRUNK_TENSORS[trunk]:
        return TrunkFile(path, "same tensors", "another file than the published ones, with the same tensors")
    name = LPIPS_TRUNKS[trunk].name
    return TrunkFile(
        path,
        "wrong",
        f"LPIPS trunk {path} is another trunk: its tensors have sha256 {digest[:8]}..., LPIPS's "
        f"{TRUNK_TENSORS[trunk][:8]}...; remove it, and fetch the published one: foresight-bench weights fetch {name}",
    )


def _rows(trunk: Trunk) -> tuple[PublishedWeights, PublishedWeights]:
    return LPIPS_TRUNKS[trunk], TORCHVISION_TRUNKS[trunk]


def verified_trunk(trunk: Trunk) -> TrunkFile:
    """The trunk's file on this machine, known to be LPIPS's.

    Raises:
        CheckpointError: if there is none, or the one that is found is damaged or another.
    """
    path = find_trunk(trunk)
    if path is None:
        looked = " and ".join(str(place.parent) for place in trunk_places(trunk))
        name = LPIPS_TRUNKS[trunk].name
        raise CheckpointError(
            f"LPIPS needs its {trunk} trunk, not found in {looked}; foresight-bench weights fetch {name}, or use "
            f"{LPIPS_RANDOM_TRUNK}"
        )
    found = examine_trunk(path, trunk)
    if found.state == "wrong":
        raise CheckpointError(found.said)
    return found


def trunk_identity(trunk: Trunk) -> str:
    """For protocols: what the trunk on this machine is, by its tensors. Raises: CheckpointError."""
    path = verified_trunk(trunk).path
    found = path.stat()
    return f"trunk sha256 {_identity(path, trunk, found.st_size, found.st_mtime_ns)[:16]}"


@lru_cache(maxsize=8)
def _identity(path: Path, trunk: Trunk, size: int, mtime_ns: int) -> str:
    return tensors_sha256(trunk, read_trunk(path, trunk))


def read_trunk(path: Path, trunk: Trunk) -> dict[str, Tensor]:
    """The convolutions of a trunk under torchvision's names; a classifier beside them is left out.

    Raises:
        CheckpointError: if the file is damaged, holds anything but tensors, or lacks one.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
        tensors = {name: state[name] for name in trunk_tensor_names(trunk)}
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, KeyError, TypeError, EOFError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(
            f"LPIPS trunk {path} is no state dict of torchvision's {trunk} trunk: {reason}"
        ) from error
    if not all(isinstance(tensor, torch.Tensor) and tensor.dtype == torch.float32 for tensor in tensors.values()):
        raise CheckpointError(
            f"LPIPS trunk {path} does not hold float32 tensors; a trunk of another precision is another"
        )
    return tensors


def tensors_sha256(trunk: Trunk, tensors: Mapping[str, Tensor]) -> str:
    """sha256 over names, shapes and little-endian float32 values of a trunk's tensors, in order."""
    digest = hashlib.sha256()
    for name in trunk_tensor_names(trunk):
        values = tensors[name].contiguous().numpy().astype("<f4", copy=False)
        digest.update(f"{name} {list(values.shape)}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
