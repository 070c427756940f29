"""Building one of LTX-Video's parts: seeded, or strictly from a checkpoint in the published layout."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.weights import check_folder, checkpoint_folder, exact_tensors, require_memory
from torch import nn


def part_folder(source: str | None, repo: str | None, subfolder: str) -> Path:
    """Folder of one part: ``<source>/<subfolder>`` of a whole pipeline, or ``source`` itself.

    Raises:
        CheckpointError: if the checkpoint cannot be found.
    """
    folder = checkpoint_folder(source, repo, None, subfolder=subfolder)
    inner = folder / subfolder
    return inner if inner.is_dir() else folder


def random_part(model_class: Any, config: Mapping[str, Any], request: BuildRequest, what: str) -> nn.Module:
    """A part with the library's own initialisation under ``request.seed``; global generators stay as they are.

    Raises:
        UsageError: if its weights do not fit into memory.
    """
    require_memory(what, count_params(model_class, config), request.device, request.dtype)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(request.seed)
        model: nn.Module = model_class(**config)
    return frozen(model, request)


def pretrained_part(
    model_class: Any,
    config: Mapping[str, Any],
    request: BuildRequest,
    folder: Path,
    *,
    what: str,
    same: Collection[str],
) -> nn.Module:
    """A part with the weights of a checkpoint folder, none missing, none left over.

    Args:
        model_class: A diffusers model.
        config: The configuration that the spec has declared.
        request: Device and dtype.
        folder: Holds ``config.json`` and safetensors.
        what: Name of the part, for messages.
        same: Entries of the configuration in which the checkpoint must agree; a checkpoint that does not carry one is
            taken to have the library's default.

    Raises:
        CheckpointError: if the folder holds something else, is damaged or incomplete.
        UsageError: if its weights do not fit into memory.
    """
    found = check_folder(folder, model_types=[model_class.__name__], expected=what)
    accepted = {key: value for key, value in found.items() if not key.startswith("_")}
    with torch.device("meta"):
        model: Any = model_class.from_config(accepted)
        declared = model_class(**config)
    for key in same:
        wanted, given = (_plain(part.config[key]) for part in (declared, model))
        if wanted != given:
            raise CheckpointError(f"{folder} is another version: its {key} is {given}, {what} has {wanted}")
    require_memory(what, sum(parameter.numel() for parameter in model.parameters()), request.device, request.dtype)
    model.load_state_dict(exact_tensors(folder, model, request.dtype), strict=True, assign=True)
    return frozen(model, request)


def frozen(model: nn.Module, request: BuildRequest) -> nn.Module:
    """On its device, in its dtype, in evaluation mode, without gradients of its own."""
    # Not the library's own ``to``, which warns about an empty list of modules to be kept in float32.
    nn.Module.to(model, device=request.device, dtype=getattr(torch, request.dtype))
    return model.eval().requires_grad_(False)


def count_params(model_class: Any, config: Mapping[str, Any]) -> int:
    """Parameters at a configuration, counted without allocating them."""
    with torch.device("meta"):
        model = model_class(**config)
    return sum(parameter.numel() for parameter in model.parameters())


def _plain(value: Any) -> Any:
    """Lists for tuples, so that a configuration compares with one read from JSON."""
    return list(value) if isinstance(value, tuple) else value
