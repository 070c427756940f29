"""Building the autoencoder: seeded, or strictly from a checkpoint in the published layout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.weights import check_folder, checkpoint_folder, exact_tensors, require_memory
from torch import nn

from foresight_hunyuan_vae.decoder import HunyuanDecoder
from foresight_hunyuan_vae.presets import SECOND, Preset

SHAPES = (
    "block_out_channels",
    "latent_channels",
    "layers_per_block",
    "spatial_compression_ratio",
    "temporal_compression_ratio",
)
"""Entries of the configuration in which a checkpoint must agree with the size that was asked for."""


def build_decoder(preset: Preset, request: BuildRequest) -> HunyuanDecoder:
    """Build the autoencoder with random or with a checkpoint's weights.

    Raises:
        CheckpointError: if the checkpoint is absent, damaged, unsafe, incomplete or of another size.
        UsageError: if its weights do not fit into memory.
    """
    require_memory(preset.name, preset.params, request.device, request.dtype)
    if request.weights == "random":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(request.seed)
            vae = construct(preset, preset.config)
    else:
        whole = checkpoint_folder(request.source, preset.repo, None, subfolder="vae")
        vae = _pretrained(preset, whole / "vae" if (whole / "vae").is_dir() else whole, request.dtype)
    # Not the library's own ``to``, which warns about an empty list of modules to be kept in float32.
    nn.Module.to(vae, device=request.device, dtype=getattr(torch, request.dtype))
    return HunyuanDecoder(preset, vae.eval().requires_grad_(False))


def construct(preset: Preset, config: Mapping[str, Any]) -> nn.Module:
    """The library's model of the size's class at a configuration."""
    import diffusers

    model: Any = getattr(diffusers, preset.class_name)(**config)
    if preset.class_name == SECOND:
        # Its attention mask has no axis of heads, so that diffusers 0.42 raises with two clips at once.
        model.enable_slicing()
    built: nn.Module = model
    return built


def _pretrained(preset: Preset, folder: Path, dtype: str) -> nn.Module:
    found = check_folder(
        folder, model_types=[preset.class_name], expected=f"HunyuanVideo's autoencoder ({preset.name})"
    )
    known = dict(preset.config) | {key: value for key, value in found.items() if key in preset.config}
    for key in SHAPES:
        if known[key] != preset.config[key]:
            raise CheckpointError(
                f"{folder} is another size: its {key} is {known[key]}, {preset.name} has {preset.config[key]}"
            )
    with torch.device("meta"):
        vae = construct(preset, known)
    vae.load_state_dict(exact_tensors(folder, vae, dtype), strict=True, assign=True)
    return vae
