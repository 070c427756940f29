"""What a CogVLM2 model consists of, as plain data; everything about taps and grids follows from it. No torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from foresight_harness import TapSpec
from foresight_vlm_kit.taps import llm_taps, tower_taps

CONV_STRIDE = 2
"""Cells a side that the convolution behind the tower joins into one token."""

PROJECTED = "vision_out"
"""Tap of what the language model is given."""

ATTENTION = ("eager", "sdpa")
"""Attention implementations of tower and language model."""


@dataclass(frozen=True)
class VisionShape:
    """The vision tower: EVA2-CLIP-E, whose last layer the published checkpoints leave out."""

    hidden_size: int
    num_hidden_layers: int
    num_heads: int
    intermediate_size: int
    image_size: int
    patch_size: int = 14
    in_channels: int = 3
    layer_norm_eps: float = 1e-6

    @property
    def cells(self) -> int:
        """Cells a side of the grid that the positions were trained for."""
        return self.image_size // self.patch_size

    @property
    def num_positions(self) -> int:
        """Learned positions: one a cell, and one of the class token."""
        return self.cells**2 + 1


@dataclass(frozen=True)
class TextShape:
    """The language model: the shape of Llama 3, with or without visual experts."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_multi_query_heads: int
    intermediate_size: int
    vocab_size: int
    bos_token_id: int
    visual_experts: bool
    """Whether image tokens have weights of their own in every layer: so in the chat model, not in the video model."""
    rms_norm_eps: float = 1e-5
    rope_theta: float = 500000.0

    @property
    def head_width(self) -> int:
        """Channels of one attention head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def qkv_width(self) -> int:
        """Rows of the fused projection: all query heads, then key heads, then value heads."""
        return self.hidden_size + 2 * self.num_multi_query_heads * self.head_width


@dataclass(frozen=True)
class Architecture:
    """One model."""

    vision: VisionShape
    text: TextShape

    @property
    def stride_px(self) -> int:
        """Pixels per token behind the convolution."""
        return self.vision.patch_size * CONV_STRIDE

    def taps(self) -> tuple[TapSpec, ...]:
        """Every place that can be read, shallow to deep."""
        width, patch, text = self.vision.hidden_size, self.vision.patch_size, self.text.hidden_size
        return (
            *tower_taps(self.vision.num_hidden_layers, width, patch),
            TapSpec("pre_conv", width, patch),
            TapSpec("post_conv", width, self.stride_px),
            TapSpec(PROJECTED, text, self.stride_px),
            *llm_taps(self.text.num_hidden_layers, text, self.stride_px),
        )

    def as_json(self) -> dict[str, Any]:
        """JSON values only, for cache keys and reports."""
        return asdict(self)
