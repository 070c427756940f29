"""Published configurations of LLaVA-NeXT (1.6) as data, in the layout of the Hub's ``config.json``.

Source: ``config.json`` of llava-hf/llava-v1.6-{vicuna-7b,mistral-7b,34b}-hf. The vocabulary of the 34B size (64064) is
64000 of its base model, padded to a multiple of 64 as the other sizes are; it was not read from the published file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)

BASE_PREPROCESSING: Mapping[str, Any] = {
    "resize": "squashed to one square tile, aspect ratio not kept",
    "interpolation": "bicubic, antialiased, clamped to [0, 1]",
    "mean": list(MEAN),
    "std": list(STD),
    "frames": "each frame is a picture",
}
TILED_PREPROCESSING: Mapping[str, Any] = {
    **BASE_PREPROCESSING,
    "resize": "as a picture of short side input_px: best of the model's resolutions, aspect ratio kept, black around "
    "it, cut into square tiles; tokens of the black border removed",
}

STAND_IN_PROMPT = tuple(range(3, 38))
"""Prompt of random weights, which know no words: as many ids as the Vicuna prompt has."""


@dataclass(frozen=True)
class Preset:
    """One size on offer."""

    name: str
    config: Mapping[str, Any]
    """In the layout of the published ``config.json``."""
    params: int
    """Of the whole model."""
    prompt: str
    """What the language model reads before the picture. Attention is causal: text after it cannot change its tokens."""
    repo: str | None = None
    license: str | None = None
    size: Literal["tiny", "published"] = "published"

    @property
    def tile_px(self) -> int:
        """Side of a tile: the only size that the tower's position embeddings fit."""
        return int(self.config["vision_config"]["image_size"])


def _config(
    text: Mapping[str, Any], *, image_token: int, tile: int = 336, vision: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "architectures": ["LlavaNextForConditionalGeneration"],
        "ignore_index": -100,
        "image_grid_pinpoints": [
            [tile, 2 * tile],
            [2 * tile, tile],
            [2 * tile] * 2,
            [3 * tile, tile],
            [tile, 3 * tile],
        ],
        "image_seq_length": (tile // 14) ** 2,
        "image_token_index": image_token,
        "model_type": "llava_next",
        "projector_hidden_act": "gelu",
        "text_config": dict(text),
        "tie_word_embeddings": False,
        "use_image_newline_parameter": True,
        "vision_config": {
            "hidden_size": 1024,
            "image_size": tile,
            "intermediate_size": 4096,
            "model_type": "clip_vision_model",
            "num_attention_heads": 16,
            "num_hidden_layers": 24,
            "patch_size": 14,
            "projection_dim": 768,
            **(vision or {}),
        },
        "vision_feature_layer": -2,
        "vision_feature_select_strategy": "default",
    }


def _text(
    kind: str, hidden: int, layers: int, heads: int, kv_heads: int, inner: int, vocab: int, **more: Any
) -> dict[str, Any]:
    return {
        "model_type": kind,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "num_key_value_heads": kv_heads,
        "rms_norm_eps": 1e-05,
        "vocab_size": vocab,
        **more,
    }


VICUNA = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions. USER: "
)
MISTRAL = "[INST] "
CHATML = "<|im_start|>system\nAnswer the questions.<|im_end|><|im_start|>user\n"

PRESETS = (
    Preset(
        "llava_next_tiny",
        _config(
            _text("llama", 64, 4, 4, 2, 128, 256, max_position_embeddings=4096, bos_token_id=1, eos_token_id=2),
            image_token=250,
            tile=224,
            vision={
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_attention_heads": 4,
                "num_hidden_layers": 4,
                "projection_dim": 32,
            },
        ),
        248_512,
        prompt=VICUNA,
        size="tiny",
    ),
    Preset(
        "llava_next_vicuna_7b",
        _config(
            _text("llama", 4096, 32, 32, 32, 11008, 32064, max_position_embeddings=4096, rope_theta=10000.0),
            image_token=32000,
        ),
        7_063_431_168,
        prompt=VICUNA,
        repo="llava-hf/llava-v1.6-vicuna-7b-hf",
        license="Llama 2 Community License (base: lmsys/vicuna-7b-v1.5)",
    ),
    Preset(
        "llava_next_mistral_7b",
        _config(
            _text(
                "mistral",
                4096,
                32,
                32,
                8,
                14336,
                32064,
                max_position_embeddings=32768,
                rope_theta=1000000.0,
                sliding_window=None,
            ),
            image_token=32000,
        ),
        7_566_747_648,
        prompt=MISTRAL,
        repo="llava-hf/llava-v1.6-mistral-7b-hf",
        license="Apache-2.0 (base: mistralai/Mistral-7B-Instruct-v0.2)",
    ),
    Preset(
        "llava_next_34b",
        _config(
            _text("llama", 7168, 60, 56, 8, 20480, 64064, max_position_embeddings=4096, rope_theta=5000000.0),
            image_token=64000,
        ),
        34_752_083_968,
        prompt=CHATML,
        repo="llava-hf/llava-v1.6-34b-hf",
        license="that of NousResearch/Nous-Hermes-2-Yi-34B (base)",
    ),
)
"""All sizes, small to large."""


def preset(name: str) -> Preset:
    """The preset of that name. Raises: KeyError."""
    return {one.name: one for one in PRESETS}[name]
