"""Reading tensors, and the rule that a missing or unexpected key is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.parts.weights.checkpoint import check_weights
from foresight_harness.parts.weights.files.headers import header_of, require_floats
from foresight_harness.parts.weights.files.tensor_names import WRAPPERS, wrapper_of
from foresight_harness.parts.weights.files.weight_files import weight_files

if TYPE_CHECKING:
    from torch import Tensor, nn


Misfit = tuple[str, tuple[int, ...], tuple[int, ...]]
"""A tensor's name, its shape in the checkpoint and its shape in the model."""


def read_tensors(folder: Path, wanted: Callable[[str], bool] = lambda name: True) -> Iterator[tuple[str, Tensor]]:
    """Yield the wanted tensors of a checkpoint one by one, by memory map, under their published names.

    A wrapper of training (``module.``) in front of every name is taken away.

    Raises:
        CheckpointError: from ``check_weights``, or if a shard cannot be read.
    """
    check_weights(folder)
    files = weight_files(folder)
    wrapper = wrapper_of(name for path in files for name in header_of(path))
    for path in files:
        for name, tensor in read_file(path, lambda stored: wanted(stored.removeprefix(wrapper))):
            yield name.removeprefix(wrapper), tensor


def read_file(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> Iterator[tuple[str, Tensor]]:
    """Yield the wanted tensors of one file. Raises: CheckpointError if it is damaged, quantised or another file."""
    from safetensors import SafetensorError, safe_open

    require_floats(path, header_of(path))
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
    tensors = {name: tensor.to(getattr(torch, dtype)) for name, tensor in read_tensors(folder)}
    require_complete(
        folder,
        missing=shapes.keys() - tensors.keys(),
        unexpected=tensors.keys() - shapes.keys(),
        mismatched=differing(tensors, shapes),
    )
    return tensors


def differing(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Misfit]:
    """Names of tensors whose shapes differ, each with both. Values are tensors or shapes."""
    shapes = [(name, tuple(_shape(found[name])), tuple(_shape(wanted[name]))) for name in found.keys() & wanted.keys()]
    return [entry for entry in shapes if entry[1] != entry[2]]


def _shape(value: Any) -> Any:
    return getattr(value, "shape", value)


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
        mismatched: Keys whose shapes differ, alone or as (key, shape in the checkpoint, shape in the model).
        ignore: Regular expressions of keys that are left out on purpose (the language model when only the vision
            tower is loaded, say).

    Raises:
        CheckpointError: naming the first key of each kind and how many there are.
    """
    skip = [re.compile(pattern) for pattern in ignore]

    def left(keys: Iterable[object]) -> dict[str, object]:
        named = {str(key[0] if isinstance(key, tuple) else key): key for key in keys}
        return {name: named[name] for name in sorted(named) if not any(one.search(name) for one in skip)}

    absent, foreign, other = left(missing), left(unexpected), left(mismatched)
    titles = {"missing": absent, "unexpected": foreign, "of another shape": other}
    parts = [f"{len(keys)} {title} (first: {next(iter(keys))})" for title, keys in titles.items() if keys]
    if not parts:
        return
    first = next(iter(other.values()), None)
    if isinstance(first, tuple) and len(first) == 3:
        parts[-1] += f", {tuple(first[1])} in the checkpoint and {tuple(first[2])} in the model"
    raise CheckpointError(f"{where} does not fit the model: {', '.join(parts)}. {_likely(absent, foreign)}")


def _likely(missing: Collection[str], unexpected: Collection[str]) -> str:
    """The likely cause of a misfit, as a question or a sentence."""
    prefixes = {name.partition(".")[0] + "." for name in unexpected if "." in name}
    if missing and len(prefixes) == 1:
        prefix = prefixes.pop()
        inner = {name.removeprefix(prefix) for name in unexpected}
        if inner & set(missing) or prefix in WRAPPERS:
            return f"Its names begin with {prefix!r}, the model's do not: save the inner model's weights"
    if any("lora_" in name or ".adapter" in name for name in unexpected):
        return "It holds LoRA weights beside its own: merge them first (merge_and_unload, then save_pretrained)"
    return "Is it another size or version?"
