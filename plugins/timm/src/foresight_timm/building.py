"""From a preset and a request to a built encoder."""

from __future__ import annotations

from typing import Any

import torch
from foresight_harness import BuildRequest, UsageError
from foresight_harness.weights import require_memory, resolve_attention
from torch import nn

from foresight_timm.describing import meta_model
from foresight_timm.encoder import TimmEncoder
from foresight_timm.presets import ATTENTION, Preset
from foresight_timm.weights import fill, read_checkpoint

POSITION_AMPLITUDE = 0.3
"""Of random weights: positions must matter beside patch embeddings, whose standard deviation is near 0.5."""


def build(preset: Preset, request: BuildRequest) -> TimmEncoder:
    """Build an encoder.

    Raises:
        CheckpointError: if pretrained weights cannot be found or trusted, or do not fill the model.
        UsageError: if memory, attention, weights or side cannot be granted.
    """
    import timm

    side_px = _side(preset, request.input_px)
    attention = resolve_attention(request.attention, ATTENTION, request.device, request.dtype)
    require_memory(preset.name, preset.params, request.device, request.dtype)
    if request.weights not in ("random", "pretrained"):
        raise UsageError(f"{preset.name}: {request.weights} weights are not on offer; use random or pretrained")
    checkpoint = read_checkpoint(preset, request) if request.weights == "pretrained" else None
    model = random_model(preset, side_px, request.seed)
    if checkpoint is not None:
        fill(model, *checkpoint)
    _set_attention(model, attention)
    model = model.to(device=request.device, dtype=getattr(torch, request.dtype)).eval().requires_grad_(False)
    params = sum(parameter.numel() for parameter in model.parameters())
    facts = {"attention": attention, "dtype": request.dtype, "params": params, "timm": timm.__version__}
    return TimmEncoder(model, preset, side_px=side_px, facts=facts)


def random_model(preset: Preset, side_px: int, seed: int) -> Any:
    """timm's own initial values, except that positions matter; the global generator stays as it is."""
    import timm

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = timm.create_model(preset.architecture, pretrained=False, num_classes=0, **_arguments(preset, side_px))
    _set_positions(model)
    return model


def bare_model(preset: Preset) -> Any:
    """The model at the preset's own side, on the meta device."""
    return meta_model(preset.architecture, **_arguments(preset, preset.input_px))


def _arguments(preset: Preset, side_px: int) -> dict[str, Any]:
    return {**preset.arguments, "img_size": side_px}


def _side(preset: Preset, asked_px: int | None) -> int:
    """Side of the square: the one asked for, down to a multiple of the patch, so that no pixel is left over."""
    side_px = (asked_px or preset.input_px) // preset.patch_px * preset.patch_px
    if side_px < preset.patch_px:
        raise UsageError(f"{preset.name}: a side of {asked_px} px is less than one patch ({preset.patch_px} px)")
    if side_px != preset.input_px and not preset.any_side:
        raise UsageError(f"{preset.name} reads {preset.input_px} px only, {asked_px} px were asked for")
    return side_px


def _set_positions(model: Any) -> None:
    """Give random weights smooth absolute positions; timm starts them near zero, and SAM's at zero."""
    from timm.layers.pos_embed_sincos import build_sincos2d_pos_embed

    table = getattr(model, "pos_embed", None)
    if table is None:
        return
    rows, cols = model.patch_embed.grid_size
    smooth = POSITION_AMPLITUDE * build_sincos2d_pos_embed([rows, cols], dim=table.shape[-1], temperature=100.0)
    table.data.reshape(-1, table.shape[-1])[-rows * cols :] = smooth


def _set_attention(model: nn.Module, attention: str) -> None:
    """timm decides per module whether torch's fused attention runs."""
    for module in model.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = attention == "sdpa"  # type: ignore[assignment]
