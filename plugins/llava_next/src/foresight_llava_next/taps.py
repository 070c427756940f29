"""Places where LLaVA-NeXT is read, from its configuration alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foresight_harness import TapSpec
from foresight_vlm_kit.taps import llm_taps, tower_taps

PROJECTED = "post_projector"
"""What the language model is given."""


def taps_of(config: Mapping[str, Any]) -> tuple[TapSpec, ...]:
    """All taps of a configuration, shallow to deep.

    ``post_projector`` stands right after the block that it reads, the last but one (``vision_feature_layer`` -2): no
    deeper tap but the last block itself needs that block. ``llm.k`` is the residual stream after k blocks of the
    language model, before any norm. The video model pools what it projects, so that these have a wider stride.

    Args:
        config: In the layout of the published ``config.json``.
    """
    vision, text = config["vision_config"], config["text_config"]
    patch, outer = int(vision["patch_size"]), int(text["hidden_size"])
    tower = tower_taps(int(vision["num_hidden_layers"]), int(vision["hidden_size"]), patch)
    read = feature_block(config) + 2  # patches, and the block itself
    pooled = patch * int(config.get("spatial_pool_stride", 1))
    layers = llm_taps(int(text["num_hidden_layers"]), outer, pooled)
    return (*tower[:read], TapSpec(PROJECTED, outer, pooled), *tower[read:], *layers)


def feature_block(config: Mapping[str, Any]) -> int:
    """Block of the tower that the projector reads, counted from 0; ``vision_feature_layer`` counts its input as 0."""
    layer, depth = int(config["vision_feature_layer"]), int(config["vision_config"]["num_hidden_layers"])
    return (layer if layer >= 0 else depth + 1 + layer) - 1
