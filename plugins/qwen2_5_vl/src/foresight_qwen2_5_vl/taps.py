"""Places where Qwen2.5-VL is read, from its configuration alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foresight_harness import TapSpec


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
    blocks = [block_tap(index) for index in range(int(vision["depth"]))]
    layers = [llm_tap(count) for count in range(1, int(config["num_hidden_layers"]) + 1)]
    return (
        *(TapSpec(name, inner, patch, stride_frames=frames) for name in ("patch_embed", *blocks, "pre_merge")),
        TapSpec("post_merge", outer, merged, stride_frames=frames),
        *(TapSpec(name, outer, merged, stride_frames=frames) for name in layers),
    )


def block_tap(index: int) -> str:
    """Tap of block ``index`` of the tower, counted from 0."""
    return f"block.{index:02d}"


def llm_tap(count: int) -> str:
    """Tap of the language model's state after ``count`` blocks, counted from 1."""
    return f"llm.{count:02d}"


def llm_depth(tap: str) -> int | None:
    """Blocks of the language model that ``tap`` needs; None for a tap of the tower."""
    return int(tap.removeprefix("llm.")) if tap.startswith("llm.") else None
