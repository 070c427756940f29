"""What an InternVL2 model consists of, as plain data; everything about taps and grids follows from it. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foresight_harness import TapSpec

SHUFFLE = 2
"""Cells a side that the pixel unshuffle joins into one token of the language model (``downsample_ratio`` 0.5)."""

ATTENTION = ("eager", "sdpa", "flash_attention_2")
"""Attention implementations of tower and language model."""

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
        blocks, layers = int(self.vision["num_hidden_layers"]), int(self.text["num_hidden_layers"])
        width, text_width = int(self.vision["hidden_size"]), int(self.text["hidden_size"])
        stride, joined = self.patch_px, self.patch_px * SHUFFLE
        return (
            TapSpec("patch_embed", width, stride),
            *(TapSpec(f"block.{index:02d}", width, stride) for index in range(blocks)),
            TapSpec("pre_shuffle", width, stride),
            TapSpec("post_projector", text_width, joined),
            *(TapSpec(f"llm.{index:02d}", text_width, joined) for index in range(1, layers + 1)),
        )

    @property
    def prefix_ids(self) -> tuple[int, ...]:
        """Token ids in front of the picture's tokens in the language model. There is no other text."""
        return self.start_ids if self.image_start_id is None else (*self.start_ids, self.image_start_id)

    def as_json(self) -> dict[str, Any]:
        """JSON values only, for cache keys and reports."""
        return {"vision": dict(self.vision), "text": dict(self.text), "prefix_ids": list(self.prefix_ids)}
