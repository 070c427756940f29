"""What one InternVL2 is made of, how it lies in checkpoints, and how it is drawn at random.

Source: key names of the OpenGVLab/InternVL2 checkpoints (InternLM2, Qwen2 and Llama language models) and of the native
``InternVLForConditionalGeneration``. Nothing is converted but names and two fused projections.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from foresight_harness import CheckpointError, TapSpec
from foresight_vlm_kit.blueprint import LANGUAGE, UNREAD, VISION, draw, fan_in_std
from torch import Tensor, nn

from foresight_internvl2.architecture import Architecture
from foresight_internvl2.modules import Vision, language_model, whole_model
from foresight_internvl2.published import Kind

_PARTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "internvl_chat": (
        (r"^vision_model\.", VISION, "vision_tower."),
        (r"^mlp1\.", VISION, "multi_modal_projector."),
        (r"^language_model\.((output|lm_head)|model\.norm)\.weight$", UNREAD, ""),
        (r"^language_model\.model\.", LANGUAGE, ""),
    ),
    "internvl": (
        (r"^(model\.)?vision_tower\.", VISION, "vision_tower."),
        (r"^(model\.)?multi_modal_projector\.", VISION, "multi_modal_projector."),
        (r"^((language_model\.)?lm_head|(language_model\.model|model\.language_model)\.norm)\.weight$", UNREAD, ""),
        (r"^(language_model\.model|model\.language_model)\.", LANGUAGE, ""),
    ),
}
"""Pattern of a published name, the part that it belongs to, and what replaces the pattern in the part's module."""

_VISION_NAMES = (
    ("encoder.layers.", "encoder.layer."),
    ("embeddings.class_embedding", "embeddings.cls_token"),
    ("embeddings.position_embedding", "embeddings.position_embeddings"),
    ("embeddings.patch_embedding.", "embeddings.patch_embeddings.projection."),
    (".ls1", ".lambda_1"),
    (".ls2", ".lambda_2"),
    (".norm1.", ".layernorm_before."),
    (".norm2.", ".layernorm_after."),
    (".attn.proj.", ".attention.projection_layer."),
    (".attn.", ".attention."),
    ("projector.0.", "projector.layer_norm."),
    ("projector.1.", "projector.linear_1."),
    ("projector.3.", "projector.linear_2."),
)

_INTERNLM2_NAMES = (
    ("tok_embeddings.", "embed_tokens."),
    ("attention.wo.", "self_attn.o_proj."),
    ("attention.wqkv.", "self_attn.wqkv."),
    ("feed_forward.w1.", "mlp.gate_proj."),
    ("feed_forward.w2.", "mlp.down_proj."),
    ("feed_forward.w3.", "mlp.up_proj."),
    ("attention_norm.", "input_layernorm."),
    ("ffn_norm.", "post_attention_layernorm."),
)

LAYER_SCALE, POSITION_STD = 0.1, 0.1
"""The library starts positions and class token at zero, which would leave attention blind to place."""


@dataclass(frozen=True)
class InternVL2Blueprint:
    """See ``foresight_vlm_kit.blueprint.Blueprint``."""

    kind: Kind
    architecture: Architecture

    @property
    def blocks(self) -> int:
        """Of the language model."""
        return int(self.architecture.text["num_hidden_layers"])

    @property
    def trained_px(self) -> int:
        """Side of the tile."""
        return self.architecture.image_px

    def taps(self) -> tuple[TapSpec, ...]:
        """All taps, shallow to deep."""
        return self.architecture.taps()

    def vision(self, attention: str) -> nn.Module:
        """Tower and projector."""
        return Vision(self.architecture, attention)

    def language(self, blocks: int, attention: str) -> nn.Module:
        """The first layers of the language model."""
        return language_model(self.architecture, blocks, attention)

    def whole(self) -> nn.Module:
        """The library's complete model."""
        return whole_model(self.architecture)

    def place(self, name: str) -> tuple[str, str] | None:
        """Part of a published tensor, and its name there, not yet translated; None for no name of InternVL2."""
        for pattern, part, replacement in _PARTS[self.kind]:
            inner, count = re.subn(pattern, replacement, name)
            if count:
                return part, inner
        return None

    def native(self, part: str, name: str, tensor: Tensor) -> list[tuple[str, Tensor]]:
        """Native tensors of a published one. Raises: CheckpointError if a fused projection has another shape."""
        internlm2 = part == LANGUAGE and self.architecture.text["model_type"] == "internlm2"
        if self.kind == "internvl" or (part == LANGUAGE and not internlm2):
            return [(name, tensor)]
        for theirs, ours in _INTERNLM2_NAMES if internlm2 else _VISION_NAMES:
            name = name.replace(theirs, ours)
        fused = ".wqkv." if internlm2 else ".qkv."
        if fused not in name:
            return [(name, tensor)]
        pieces = split_wqkv(tensor, self.architecture) if internlm2 else tensor.chunk(3)
        return [(name.replace(fused, f".{letter}_proj."), piece) for letter, piece in zip("qkv", pieces, strict=True)]

    def random(self, part: str, name: str, shape: torch.Size, seed: int) -> Tensor:
        """Values of one native tensor."""
        if name.endswith(("lambda_1", "lambda_2")):
            return torch.full(shape, LAYER_SCALE)
        if name.endswith(("position_embeddings", "cls_token")):
            std = POSITION_STD
        else:
            std = 1.0 if name.endswith("embed_tokens.weight") else fan_in_std(shape)
        return draw(f"{part}.{name}", shape, seed, std)


def split_wqkv(tensor: Tensor, architecture: Architecture) -> tuple[Tensor, Tensor, Tensor]:
    """Take InternLM2's fused projection apart: per key head its group of query heads, then the key, then the value.

    Args:
        tensor: [(heads + 2 * kv_heads) * head_width, hidden]
        architecture: Heads of the language model.

    Returns:
        Query, key and value projections. [heads * head_width, hidden], [kv_heads * head_width, hidden] twice
    """
    text = architecture.text
    hidden, heads, kv_heads = text["hidden_size"], text["num_attention_heads"], text["num_key_value_heads"]
    groups, head = heads // kv_heads, hidden // heads
    if tuple(tensor.shape) != ((heads + 2 * kv_heads) * head, hidden):
        raise CheckpointError(
            f"a wqkv projection of shape {tuple(tensor.shape)} does not hold {heads} query and {kv_heads} key heads "
            f"of width {head}; do config.json and weights belong together?"
        )
    fused = tensor.view(kv_heads, groups + 2, head, hidden)
    query, key, value = fused[:, :groups], fused[:, groups], fused[:, groups + 1]
    return query.reshape(-1, hidden), key.reshape(-1, hidden), value.reshape(-1, hidden)
