"""Reading tensors, and the rule that a missing or unexpected key is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.parts.weights.checkpoint import weight_files

if TYPE_CHECKING:
    from torch import Tensor, nn


def read_tensors(folder: Path, wanted: Callable[[str], bool] = lambda name: True) -> Iterator[tuple[str, Tensor]]:
    """Yield the wanted tensors of a checkpoint one by one, by memory map, under their published names.

    Raises:
        CheckpointError: from ``weight_files``, or if a shard cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    for path in weight_files(folder):
        try:
            with safe_open(path, framework="pt", device="cpu") as shard:
                for name in shard.keys():  # noqa: SIM118 - safe_open is not a mapping
                    if wanted(name):
                        yield name, shard.get_tensor(name)
        except SafetensorError as error:
            raise CheckpointError(f"{path} cannot be read ({error}); download it again") from error


def exact_tensors(folder: Path, model: nn.Module, dtype: str) -> dict[str, Tensor]:
    """The whole checkpoint in the layout of a model: none missing, none left over, none twice.

    Args:
        folder: In the published layout.
        model: Says names and shapes; it may lie on the meta device.
        dtype: Of what is returned.

    Raises:
        CheckpointError: in one line.
    """
    import torch

    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    tensors: dict[str, Tensor] = {}
    for name, tensor in read_tensors(folder):
        if name in tensors:
            raise CheckpointError(f"{folder} holds {name} twice; keep the files of one variant")
        tensors[name] = tensor.to(getattr(torch, dtype))
    require_complete(
        folder,
        missing=shapes.keys() - tensors.keys(),
        unexpected=tensors.keys() - shapes.keys(),
        mismatched=[name for name in shapes.keys() & tensors.keys() if shapes[name] != tensors[name].shape],
    )
    return tensors


def require_complete(
    where: str | Path,
    *,
    missing: Iterable[str] = (),
    unexpected: Iterable[str] = (),
    mismatched: Iterable[object] = (),
    ignore: Iterable[str] = (),
) -> None:
    """Refuse a checkpoint that did not fill the model exactly.

    A half-filled model is a plausible wrong number: the rest stays random.

    Args:
        where: The folder, for the message.
        missing: Keys that the model has and the checkpoint has not.
        unexpected: Keys that the checkpoint has and the model has not.
        mismatched: Keys whose shapes differ.
        ignore: Regular expressions of keys that are left out on purpose (the language model when only the vision
            tower is loaded, say).

    Raises:
        CheckpointError: naming the first key of each kind and how many there are.
    """
    skip = [re.compile(pattern) for pattern in ignore]
    parts = []
    for title, keys in (("missing", missing), ("unexpected", unexpected), ("of another shape", mismatched)):
        left = [str(key) for key in keys if not any(pattern.search(str(key)) for pattern in skip)]
        if left:
            parts.append(f"{len(left)} {title} (first: {sorted(left)[0]})")
    if parts:
        raise CheckpointError(f"{where} does not fit the model: {', '.join(parts)}. Is it another size or version?")
