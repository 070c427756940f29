"""What an InternVL2 model consists of, as plain data; everything about taps and grids follows from it. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foresight_harness import TapSpec
from foresight_vlm_kit.taps import llm_taps, tower_taps

SHUFFLE = 2
"""Cells a side that the pixel unshuffle joins into one token of the language model (``downsample_ratio`` 0.5)."""

PROJECTED = "post_projector"
"""Tap of what the language model is given."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, of each channel."""

CHAT_FAMILIES = ("internlm2", "qwen2", "llama")
"""Language models of the published checkpoints. InternLM2 is a Llama with fused projections under other names."""


@dataclass(frozen=True)
class Architecture:
    """Numbers of one model, under the names of the native transformers configuration."""

    vision: Mapping[str, Any]
    """Keyword arguments of ``InternVLVisionConfig``."""
    text: Mapping[str, Any]
    """``model_type`` (of ``CHAT_FAMILIES``) and keyword arguments of the language model's configuration."""
    start_ids: tuple[int, ...] = ()
    """Token ids that the tokenizer puts in front of every text."""
    image_start_id: int | None = None
    """Token id of ``<img>``, which stands before a picture's tokens; None where only a checkpoint can tell."""

    @property
    def patch_px(self) -> int:
        """Pixels a patch, along rows and along columns."""
        return int(self.vision["patch_size"])

    @property
    def image_px(self) -> int:
        """Side of the tile that the positions were trained for."""
        return int(self.vision["image_size"])

    def taps(self) -> tuple[TapSpec, ...]:
        """Every place that can be read, shallow to deep."""
        width, text_width = int(self.vision["hidden_size"]), int(self.text["hidden_size"])
        joined = self.patch_px * SHUFFLE
        return (
            *tower_taps(int(self.vision["num_hidden_layers"]), width, self.patch_px),
            TapSpec("pre_shuffle", width, self.patch_px),
            TapSpec(PROJECTED, text_width, joined),
            *llm_taps(int(self.text["num_hidden_layers"]), text_width, joined),
        )

    @property
    def prefix_ids(self) -> tuple[int, ...]:
        """Token ids in front of the picture's tokens in the language model. There is no other text."""
        return self.start_ids if self.image_start_id is None else (*self.start_ids, self.image_start_id)

    def as_json(self) -> dict[str, Any]:
        """JSON values only, for cache keys and reports."""
        return {"vision": dict(self.vision), "text": dict(self.text), "prefix_ids": list(self.prefix_ids)}
