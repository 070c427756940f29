"""From a size and a request to a built encoder: random weights by seed, or a checkpoint that fits exactly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest, CheckpointError, UsageError
from foresight_harness.weights import (
    check_folder,
    checkpoint_folder,
    header_of,
    is_head,
    library_folder,
    prefix_of,
    read_by_library,
    require_complete,
    require_facts,
    require_memory,
    require_processor,
    resolve_attention,
    weight_files,
)
from torch import nn

from foresight_dinov2.encoder import Dinov2Encoder
from foresight_dinov2.positions import smooth_positions
from foresight_dinov2.presets import ATTENTION, INPUT_PX, PATCH_PX, PREPROCESSING, TRAINED_PX, Size

COMPARED = ("hidden_size", "num_hidden_layers", "num_attention_heads", "use_swiglu_ffn", "patch_size", "image_size")
"""What makes two checkpoints of the family different sizes ..."""
DECISIVE = ("hidden_act", "layer_norm_eps", "qkv_bias", "mlp_ratio", "num_channels")
"""... and what else decides the features. A configuration that lacks one has the library's default."""
ANCHOR = "embeddings.patch_embeddings.projection.weight"
"""A tensor that every checkpoint has once, whatever stands in front of its names."""
UNUSED = (r"(^|\.)embeddings\.mask_token$",)
"""Of training alone: without it the features are the same."""


def build(size: Size, request: BuildRequest) -> Dinov2Encoder:
    """Build an encoder.

    Raises:
        CheckpointError: if pretrained weights cannot be found or trusted, or do not fill the model.
        UsageError: if memory, attention, weights or side cannot be granted.
    """
    input_px = request.input_px or INPUT_PX
    if input_px < PATCH_PX:
        raise UsageError(f"{size.name}: a side of {input_px} px is less than one patch ({PATCH_PX} px)")
    attention = resolve_attention(request.attention, ATTENTION, request.device, request.dtype)
    require_memory(size.name, size.params, request.device, request.dtype)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(request.seed)
        if request.weights == "random":
            model = random_model(size, attention).to(dtype=getattr(torch, request.dtype))
        elif request.weights in size.weights:
            folder = checkpoint_folder(request.source, size.repo, size.commit)
            model = pretrained_model(size, folder, attention, getattr(torch, request.dtype))
        else:
            offered = " or ".join(sorted(size.weights, key="random".__ne__))
            raise UsageError(f"{size.name}: {request.weights} weights are not on offer; use {offered}")
    model = model.to(request.device).eval().requires_grad_(False)
    params = sum(parameter.numel() for parameter in model.parameters())
    facts = {"attention": attention, "dtype": request.dtype, "params": params}
    return Dinov2Encoder(model, registers=size.registers, input_px=input_px, facts=facts)


def bare_model(size: Size, attention: str = "sdpa") -> nn.Module:
    """The library's model with its own initial values, drawn from the global generator."""
    return _model_class(size)._from_config(_config(size), attn_implementation=attention)  # type: ignore[no-any-return]


def random_model(size: Size, attention: str) -> nn.Module:
    """Random weights in which positions matter, drawn from the global generator."""
    model = bare_model(size, attention)
    table = model.get_parameter("embeddings.position_embeddings")
    table.data[0, 1:] = smooth_positions(TRAINED_PX // PATCH_PX, size.width)
    if size.registers:
        model.get_parameter("embeddings.register_tokens").data.normal_(0, 0.02)
    return model


def pretrained_model(size: Size, folder: Path, attention: str, dtype: torch.dtype) -> nn.Module:
    """Weights of a folder in the published layout.

    Raises:
        CheckpointError: in one line.
    """
    found = check_folder(folder, model_types=(size.config["model_type"],), expected=size.name)
    _require_size(size, found, folder)
    require_processor(folder, PREPROCESSING, size.name)
    names = [name for path in weight_files(folder) for name in header_of(path)]
    prefix = prefix_of(names, ANCHOR, folder)
    with library_folder(folder) as place, _quiet():
        model, info = _model_class(size).from_pretrained(
            place,
            config=_config(size),
            attn_implementation=attention,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **({"key_mapping": {f"^{re.escape(prefix)}": ""}} if prefix else {}),
        )
    # Around the model of a larger checkpoint lie other parts of it; beside a bare one, a classifier at most.
    foreign = [name for name in info["unexpected_keys"] if not (_is_outside(name, prefix, names) or is_head(name))]
    require_complete(
        folder,
        missing=info["missing_keys"],
        unexpected=foreign,
        mismatched=info["mismatched_keys"],
        ignore=UNUSED,
    )
    return model  # type: ignore[no-any-return]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's table of keys and its progress bar: ``require_complete`` says what matters in one line."""
    from transformers.utils import logging as library_logging

    logging: Any = library_logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _is_outside(name: str, prefix: str, names: Sequence[str]) -> bool:
    """Whether a tensor of the checkpoint stands beside the model that lies under ``prefix`` in it."""
    return bool(prefix) and name in names and not name.startswith(prefix)


def _require_size(size: Size, found: Mapping[str, Any], folder: Path) -> None:
    """Compare sizes before any tensor is read. Raises: CheckpointError naming the first difference."""
    for key in (*COMPARED, *(["num_register_tokens"] if size.registers else [])):
        wanted = size.config[key]
        if found.get(key, wanted) != wanted:
            raise CheckpointError(f"{folder}: {key} is {found[key]!r}, {size.name} has {wanted!r}. Is it another size?")
    with read_by_library(folder / "config.json"):
        whole, built = type(_config(size)).from_dict(dict(found)).to_dict(), _config(size).to_dict()
    require_facts(folder / "config.json", whole, built, DECISIVE, size.name)


def _model_class(size: Size) -> Any:
    if size.registers:
        from transformers import Dinov2WithRegistersModel

        return Dinov2WithRegistersModel
    from transformers import Dinov2Model

    return Dinov2Model


def _config(size: Size) -> Any:
    arguments = {key: value for key, value in size.config.items() if key != "model_type"}
    if size.registers:
        from transformers import Dinov2WithRegistersConfig

        return Dinov2WithRegistersConfig(**arguments)
    from transformers import Dinov2Config

    return Dinov2Config(**arguments)
