"""Published configurations as data, with the parameter counts that tests hold them to. No torch.

Source: ``config.json`` of the OpenGVLab/InternVL2 checkpoints and the code of github.com/OpenGVLab/InternVL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foresight_vlm_kit.presets import NANO_OBJECTIVES, Preset, nano_facts

from foresight_internvl2.architecture import Architecture


@dataclass(frozen=True, kw_only=True)
class Size(Preset):
    """One size of InternVL2."""

    architecture: Architecture
    note: str = ""
    """What is not verified about it."""


VIEWS: Mapping[str, Mapping[str, Any]] = {
    "": {"tiles": 1},
    "chat": {"tiles": 1, "prompt": "published conversation"},
    "tiles": {
        "resize": "squashed to the canvas of 1 to 12 tiles with the closest aspect ratio",
        "tiles": "1 to 12, row by row, then the whole picture where there is more than one",
        "prompt": "published conversation",
    },
    "video": {
        "tiles": 1,
        "prompt": "published conversation, and the number of each frame before it",
        "frames": "all frames of a clip are one video, one slot each",
    },
}
"""What is read, by the word behind the name (``internvl2_2b:tiles``), and how its preprocessing differs."""


def _vit(shape: tuple[int, int, int, int], norm: str, *, image_px: int = 448) -> dict[str, Any]:
    """InternViT of a width, depth, heads and inner width; those with RMS norm norm queries and keys too."""
    hidden, blocks, heads, ffn = shape
    return {
        "image_size": image_px,
        "patch_size": 14,
        "layer_norm_eps": 1e-6,
        "hidden_act": "gelu",
        "hidden_size": hidden,
        "num_hidden_layers": blocks,
        "num_attention_heads": heads,
        "intermediate_size": ffn,
        "norm_type": norm,
        "attention_bias": norm == "layer_norm",
        "use_qk_norm": norm == "rms_norm",
    }


def _rope(kind: str = "default", theta: float = 1e6, **more: float) -> dict[str, Any]:
    return {"rope_type": kind, "rope_theta": theta, **more}


def language(
    family: str, hidden: int, layers: int, heads: int, kv_heads: int, ffn: int, vocab: int, **more: Any
) -> dict[str, Any]:
    """Keyword arguments of a language model's configuration. ``rope`` is its ``rope_parameters``."""
    return {
        "model_type": family,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "intermediate_size": ffn,
        "vocab_size": vocab,
        "rms_norm_eps": more.pop("rms_norm_eps", 1e-5),
        "max_position_embeddings": more.pop("max_position_embeddings", 32768),
        "rope_parameters": more.pop("rope", _rope()),
        **more,
    }


VIT_300M = _vit((1024, 24, 16, 4096), "layer_norm")
VIT_6B = _vit((3200, 45, 25, 12800), "rms_norm")
TINY = Architecture(
    vision=_vit((64, 4, 4, 128), "layer_norm", image_px=224),
    text=language("internlm2", 96, 4, 4, 2, 192, 256, max_position_embeddings=4096),
    start_ids=(1,),
    image_start_id=248,
)
"""The real classes at a small size: 16x16 tokens in the tower, 8x8 after the shuffle."""


def _internlm2(
    vision: Mapping[str, Any], shape: tuple[int, int, int, int, int], rope: Mapping[str, Any]
) -> Architecture:
    """InternLM2's vocabulary and ids behind a tower."""
    return Architecture(vision, language("internlm2", *shape, 92553, rope=rope), start_ids=(1,), image_start_id=92544)


def _dynamic(factor: float) -> dict[str, Any]:
    """Positions stretched beyond 32768 tokens only: inactive here, where a sequence is 258 tokens long."""
    return _rope("dynamic", factor=factor)


PRESETS = (
    Size(name="internvl2_tiny", architecture=TINY, params=604_896, size="tiny"),
    Size(
        name="internvl2_1b",
        architecture=Architecture(
            VIT_300M, language("qwen2", 896, 24, 14, 2, 4864, 151655, rms_norm_eps=1e-6), image_start_id=151646
        ),
        params=938_158_976,
        repo="OpenGVLab/InternVL2-1B",
        license="MIT; language model: Apache-2.0 (Qwen2-0.5B)",
    ),
    Size(
        name="internvl2_2b",
        architecture=_internlm2(VIT_300M, (2048, 24, 16, 8, 8192), _rope()),
        params=2_205_754_368,
        repo="OpenGVLab/InternVL2-2B",
        license="MIT; language model: InternLM2 terms",
        note="rope_theta of random weights (1e6) is not verified; a checkpoint's config.json decides",
    ),
    Size(
        name="internvl2_8b",
        architecture=_internlm2(VIT_300M, (4096, 32, 32, 8, 14336), _dynamic(2.0)),
        params=8_075_365_376,
        repo="OpenGVLab/InternVL2-8B",
        license="MIT; language model: InternLM2.5 terms",
    ),
    Size(
        name="internvl2_8b_mpo",
        architecture=_internlm2(VIT_300M, (4096, 32, 32, 8, 14336), _dynamic(2.0)),
        params=8_075_365_376,
        repo="OpenGVLab/InternVL2-8B-MPO",
        license="MIT; language model: InternLM2.5 terms",
        note="the 8B model, trained on by preferences (arXiv:2411.10442)",
    ),
    Size(
        name="internvl2_26b",
        architecture=_internlm2(VIT_6B, (6144, 48, 48, 8, 16384), _dynamic(3.0)),
        params=25_514_186_112,
        repo="OpenGVLab/InternVL2-26B",
        license="MIT; language model: InternLM2 terms",
    ),
    Size(
        name="internvl2_40b",
        architecture=Architecture(
            VIT_6B,
            language("llama", 7168, 60, 56, 8, 20480, 64000, max_position_embeddings=4096, rope=_rope(theta=5e6)),
        ),
        params=40_068_583_808,
        repo="OpenGVLab/InternVL2-40B",
        license="MIT; language model: Apache-2.0 (Nous-Hermes-2-Yi-34B)",
        note="vocabulary (64000 here, or 64009) and so the total are not verified; a checkpoint's config.json decides",
    ),
)
"""Small to large."""


NANO = tuple(
    Size(
        **nano_facts("internvl2", objective),
        architecture=Architecture(
            vision=_vit((64, 4, 4, 128), "layer_norm", image_px=224),
            text=language("llama", 64, 4, 4, 2, 192, 256, max_position_embeddings=4096),
            start_ids=(1,),
            image_start_id=248,
        ),
        params=439_680,
    )
    for objective in NANO_OBJECTIVES
)
"""What ``train_nano`` has trained, and this package carries; random weights of seed 0 are their exact start."""
