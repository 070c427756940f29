"""Places where LLaVA-NeXT is read, from its configuration alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foresight_harness import TapSpec


def taps_of(config: Mapping[str, Any]) -> tuple[TapSpec, ...]:
    """All taps of a configuration, shallow to deep.

    ``post_projector`` stands right after the block that it reads, the last but one (``vision_feature_layer`` -2): no
    deeper tap but the last block itself needs that block. ``llm.k`` is the residual stream after k blocks of the
    language model, before any norm.

    Args:
        config: In the layout of the published ``config.json``.
    """
    vision, text = config["vision_config"], config["text_config"]
    patch, inner, outer = int(vision["patch_size"]), int(vision["hidden_size"]), int(text["hidden_size"])
    blocks = [block_tap(index) for index in range(int(vision["num_hidden_layers"]))]
    layers = [llm_tap(count) for count in range(1, int(text["num_hidden_layers"]) + 1)]
    read = feature_block(config) + 1
    return (
        *(TapSpec(name, inner, patch) for name in ("patch_embed", *blocks[:read])),
        TapSpec("post_projector", outer, patch),
        *(TapSpec(name, inner, patch) for name in blocks[read:]),
        *(TapSpec(name, outer, patch) for name in layers),
    )


def feature_block(config: Mapping[str, Any]) -> int:
    """Block of the tower that the projector reads, counted from 0; ``vision_feature_layer`` counts its input as 0."""
    layer, depth = int(config["vision_feature_layer"]), int(config["vision_config"]["num_hidden_layers"])
    return (layer if layer >= 0 else depth + 1 + layer) - 1


def block_tap(index: int) -> str:
    """Tap of block ``index`` of the tower, counted from 0."""
    return f"block.{index:02d}"


def llm_tap(count: int) -> str:
    """Tap of the language model's state after ``count`` blocks, counted from 1."""
    return f"llm.{count:02d}"


def llm_depth(tap: str) -> int | None:
    """Blocks of the language model that ``tap`` needs; None for a tap of tower or projector."""
    return int(tap.removeprefix("llm.")) if tap.startswith("llm.") else None
