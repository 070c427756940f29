"""Published configurations of LLaVA-NeXT (1.6) as data, in the layout of the Hub's ``config.json``.

Source: ``config.json`` of llava-hf/llava-v1.6-{vicuna-7b,mistral-7b,34b}-hf; the 13B size is Vicuna 1.5 13B behind the
same tower and ids. The vocabulary of the 34B size (64064) is 64000 of its base model, padded to a multiple of 64 as the
other sizes are; it was not read from the published file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD, NANO_OBJECTIVES, Preset, nano_facts

BASE_PREPROCESSING: Mapping[str, Any] = {
    "resize": "squashed to one square tile, aspect ratio not kept",
    "interpolation": "bicubic, antialiased, clamped to [0, 1]",
    "mean": list(CLIP_MEAN),
    "std": list(CLIP_STD),
    "frames": "each frame is a picture",
}
TILED_PREPROCESSING: Mapping[str, Any] = {
    **BASE_PREPROCESSING,
    "resize": "as a picture of short side input_px: best of the model's resolutions, aspect ratio kept, black around "
    "it, cut into square tiles; tokens of the black border removed",
}

STAND_IN_PROMPT = tuple(range(3, 38))
"""Prompt of random weights, which know no words: as many ids as the Vicuna prompt has."""


@dataclass(frozen=True, kw_only=True)
class Size(Preset):
    """One size on offer."""

    config: Mapping[str, Any]
    """In the layout of the published ``config.json``."""
    prompt: str
    """What the language model reads before the picture. Attention is causal: text after it cannot change its tokens."""
    prompt_ids: tuple[int, ...] | None = None
    """Its ids where no tokenizer is needed to know them: those of nano sizes."""

    def sides(self, tiled: bool) -> tuple[int, ...]:
        """Sides in pixels that can be asked for, the default last: the tower's positions fit one size of tile."""
        tile_px = int(self.config["vision_config"]["image_size"])
        return (tile_px, 2 * tile_px) if tiled else (tile_px,)


def sizes(hidden: int, layers: int, heads: int, inner: int) -> dict[str, int]:
    """Width, blocks, heads and inner width, as the library names them in towers and language models."""
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    return dict(zip(names, (hidden, layers, heads, inner), strict=True))


def whole_config(
    text: Mapping[str, Any], *, image_token: int, tile: int = 336, vision: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The published layout around a language model and CLIP ViT-L/14, or a tower that differs from it in ``vision``."""
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
            **sizes(1024, 24, 16, 4096),
            "image_size": tile,
            "model_type": "clip_vision_model",
            "patch_size": 14,
            "projection_dim": 768,
            **(vision or {}),
        },
        "vision_feature_layer": -2,
        "vision_feature_select_strategy": "default",
    }


def text_config(
    kind: str, hidden: int, layers: int, heads: int, kv_heads: int, inner: int, vocab: int, positions: int, **more: Any
) -> dict[str, Any]:
    """Configuration of a language model of the Llama or Mistral classes."""
    return {
        "model_type": kind,
        **sizes(hidden, layers, heads, inner),
        "num_key_value_heads": kv_heads,
        "rms_norm_eps": 1e-05,
        "vocab_size": vocab,
        "max_position_embeddings": positions,
        **more,
    }


VICUNA = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions. USER: "
)
MISTRAL = "[INST] "
CHATML = "<|im_start|>system\nAnswer the questions.<|im_end|><|im_start|>user\n"

PRESETS = (
    Size(
        name="llava_next_tiny",
        config=whole_config(
            text_config("llama", 64, 4, 4, 2, 128, 256, 4096, bos_token_id=1, eos_token_id=2),
            image_token=250,
            tile=224,
            vision={**sizes(32, 4, 4, 64), "projection_dim": 32},
        ),
        params=248_512,
        prompt=VICUNA,
        size="tiny",
    ),
    Size(
        name="llava_next_vicuna_7b",
        config=whole_config(
            text_config("llama", 4096, 32, 32, 32, 11008, 32064, 4096, rope_theta=1e4),
            image_token=32000,
        ),
        params=7_063_431_168,
        prompt=VICUNA,
        repo="llava-hf/llava-v1.6-vicuna-7b-hf",
        license="Llama 2 Community License (base: lmsys/vicuna-7b-v1.5)",
    ),
    Size(
        name="llava_next_mistral_7b",
        config=whole_config(
            text_config("mistral", 4096, 32, 32, 8, 14336, 32064, 32768, rope_theta=1e6, sliding_window=None),
            image_token=32000,
        ),
        params=7_566_747_648,
        prompt=MISTRAL,
        repo="llava-hf/llava-v1.6-mistral-7b-hf",
        license="Apache-2.0 (base: mistralai/Mistral-7B-Instruct-v0.2)",
    ),
    Size(
        name="llava_next_vicuna_13b",
        config=whole_config(
            text_config("llama", 5120, 40, 40, 40, 13824, 32064, 4096, rope_theta=1e4),
            image_token=32000,
        ),
        params=13_351_499_776,
        prompt=VICUNA,
        repo="llava-hf/llava-v1.6-vicuna-13b-hf",
        license="Llama 2 Community License (base: lmsys/vicuna-13b-v1.5)",
    ),
    Size(
        name="llava_next_34b",
        config=whole_config(
            text_config("llama", 7168, 60, 56, 8, 20480, 64064, 4096, rope_theta=5e6),
            image_token=64000,
        ),
        params=34_752_083_968,
        prompt=CHATML,
        repo="llava-hf/llava-v1.6-34b-hf",
        license="that of NousResearch/Nous-Hermes-2-Yi-34B (base)",
    ),
)
"""All sizes, small to large."""


NANO = tuple(
    Size(
        **nano_facts("llava_next", objective),
        config=whole_config(
            text_config("llama", 64, 4, 4, 2, 128, 256, 4096, bos_token_id=1, eos_token_id=2),
            image_token=250,
            tile=224,
            vision={**sizes(64, 5, 4, 128), "projection_dim": 64},
        ),
        params=410_944,
        prompt="",
        prompt_ids=(1,),
    )
    for objective in NANO_OBJECTIVES
)
"""What ``train_nano`` has trained, and this package carries; random weights of seed 0 are their exact start."""
