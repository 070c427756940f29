"""Places where Qwen2.5-VL is read, from its configuration alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foresight_harness import TapSpec
from foresight_vlm_kit.taps import llm_taps, tower_taps

PROJECTED = "post_merge"
"""What the language model is given."""


def taps_of(config: Mapping[str, Any]) -> tuple[TapSpec, ...]:
    """All taps of a configuration, shallow to deep.

    ``llm.k`` is the residual stream after k blocks of the language model, before any norm. ``pre_merge`` is the last
    block of the tower under the name that the literature uses. ``post_merge`` is what the language model is given: the
    merger's norm, 2 x 2 concatenation and MLP were applied. No tap ends in a norm.

    Args:
        config: In the layout of the published ``config.json``.
    """
    vision = config["vision_config"]
    patch, frames = int(vision["patch_size"]), int(vision["temporal_patch_size"])
    merged = patch * int(vision["spatial_merge_size"])
    inner, outer = int(vision["hidden_size"]), int(vision["out_hidden_size"])
    return (
        *tower_taps(int(vision["depth"]), inner, patch, stride_frames=frames),
        TapSpec("pre_merge", inner, patch, stride_frames=frames),
        TapSpec(PROJECTED, outer, merged, stride_frames=frames),
        *llm_taps(int(config["num_hidden_layers"]), outer, merged, stride_frames=frames),
    )
