"""Parameters of an architecture, by arithmetic. No torch. Tests hold it to the modules, on the meta device."""

from __future__ import annotations

from dataclasses import dataclass

from foresight_internvl2.architecture import SHUFFLE, Architecture


@dataclass(frozen=True)
class Params:
    """Parameters by part."""

    tower: int
    projector: int
    language: int
    """With embeddings, final norm and language head."""

    @property
    def total(self) -> int:
        """Of the whole model."""
        return self.tower + self.projector + self.language


def count_params(architecture: Architecture) -> Params:
    """Parameters of the whole model, whether it is built or not."""
    return Params(_tower(architecture), _projector(architecture), _language(architecture))


def _tower(architecture: Architecture) -> int:
    vision = architecture.vision
    width, ffn = int(vision["hidden_size"]), int(vision["intermediate_size"])
    norm = width if vision["norm_type"] == "rms_norm" else 2 * width
    qkv = 3 * (width * width + (width if vision["attention_bias"] else 0))
    qk_norm = 2 * width if vision["use_qk_norm"] else 0
    mlp = 2 * width * ffn + ffn + width
    layer_scale = 2 * width
    block = qkv + qk_norm + width * width + width + mlp + 2 * norm + layer_scale
    positions = (architecture.image_px // architecture.patch_px) ** 2 + 1
    embeddings = (3 * architecture.patch_px**2 + 1) * width + (positions + 1) * width
    return embeddings + int(vision["num_hidden_layers"]) * block


def _projector(architecture: Architecture) -> int:
    joined = SHUFFLE**2 * int(architecture.vision["hidden_size"])
    width = int(architecture.text["hidden_size"])
    return 2 * joined + (joined + 1) * width + (width + 1) * width


def _language(architecture: Architecture) -> int:
    text = architecture.text
    width, ffn = int(text["hidden_size"]), int(text["intermediate_size"])
    kv_width = width // int(text["num_attention_heads"]) * int(text["num_key_value_heads"])
    qkv_bias = width + 2 * kv_width if text["model_type"] == "qwen2" else 0
    layer = 2 * width * width + 2 * width * kv_width + qkv_bias + 3 * width * ffn + 2 * width
    return 2 * int(text["vocab_size"]) * width + width + int(text["num_hidden_layers"]) * layer
