"""Published configurations as data, with the parameter counts that tests hold them to. No torch.

Source: ``config.json`` of the OpenGVLab/InternVL2 checkpoints and the code of github.com/OpenGVLab/InternVL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from foresight_internvl2.architecture import Architecture


@dataclass(frozen=True)
class Preset:
    """One size of InternVL2."""

    name: str
    architecture: Architecture
    params: int
    """Of the whole model, language head included."""
    tower_params: int
    projector_params: int
    repo: str | None = None
    license: str | None = None
    size: Literal["tiny", "published"] = "published"
    note: str = ""
    """What is not verified about it."""


_COMMON = {"image_size": 448, "patch_size": 14, "layer_norm_eps": 1e-6, "hidden_act": "gelu"}

VIT_300M: dict[str, Any] = {
    **_COMMON,
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "norm_type": "layer_norm",
    "attention_bias": True,
    "use_qk_norm": False,
}

VIT_6B: dict[str, Any] = {
    **_COMMON,
    "hidden_size": 3200,
    "num_hidden_layers": 45,
    "num_attention_heads": 25,
    "intermediate_size": 12800,
    "norm_type": "rms_norm",
    "attention_bias": False,
    "use_qk_norm": True,
}


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
        "rope_parameters": more.pop("rope", {"rope_type": "default", "rope_theta": 1e6}),
        **more,
    }


def _dynamic(factor: float) -> dict[str, Any]:
    """Positions stretched beyond 32768 tokens only: inactive here, where a sequence is 258 tokens long."""
    return {"rope_type": "dynamic", "rope_theta": 1e6, "factor": factor}


_TINY_VIT = {**VIT_300M, "image_size": 224, "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4}
TINY = Architecture(
    vision={**_TINY_VIT, "intermediate_size": 128},
    text=language("internlm2", 96, 4, 4, 2, 192, 256, max_position_embeddings=4096),
    start_ids=(1,),
    image_start_id=248,
)
"""The real classes at a small size: 16x16 tokens in the tower, 8x8 after the shuffle."""

PRESETS = (
    Preset("internvl2_tiny", TINY, 604_896, 188_608, 34_496, size="tiny"),
    Preset(
        "internvl2_1b",
        Architecture(
            VIT_300M, language("qwen2", 896, 24, 14, 2, 4864, 151655, rms_norm_eps=1e-6), image_start_id=151646
        ),
        938_158_976,
        304_012_288,
        4_482_816,
        repo="OpenGVLab/InternVL2-1B",
        license="MIT; language model: Apache-2.0 (Qwen2-0.5B)",
    ),
    Preset(
        "internvl2_2b",
        Architecture(
            VIT_300M, language("internlm2", 2048, 24, 16, 8, 8192, 92553), start_ids=(1,), image_start_id=92544
        ),
        2_205_754_368,
        304_012_288,
        12_595_200,
        repo="OpenGVLab/InternVL2-2B",
        license="MIT; language model: InternLM2 terms",
        note="rope_theta of random weights (1e6) is not verified; a checkpoint's config.json decides",
    ),
    Preset(
        "internvl2_8b",
        Architecture(
            VIT_300M,
            language("internlm2", 4096, 32, 32, 8, 14336, 92553, rope=_dynamic(2.0)),
            start_ids=(1,),
            image_start_id=92544,
        ),
        8_075_365_376,
        304_012_288,
        33_570_816,
        repo="OpenGVLab/InternVL2-8B",
        license="MIT; language model: InternLM2.5 terms",
    ),
    Preset(
        "internvl2_26b",
        Architecture(
            VIT_6B,
            language("internlm2", 6144, 48, 48, 8, 16384, 92553, rope=_dynamic(3.0)),
            start_ids=(1,),
            image_start_id=92544,
        ),
        25_514_186_112,
        5_536_496_000,
        116_429_824,
        repo="OpenGVLab/InternVL2-26B",
        license="MIT; language model: InternLM2 terms",
    ),
    Preset(
        "internvl2_40b",
        Architecture(
            VIT_6B,
            language(
                "llama",
                7168,
                60,
                56,
                8,
                20480,
                64000,
                max_position_embeddings=4096,
                rope={"rope_type": "default", "rope_theta": 5e6},
            ),
        ),
        40_068_583_808,
        5_536_496_000,
        143_170_560,
        repo="OpenGVLab/InternVL2-40B",
        license="MIT; language model: Apache-2.0 (Nous-Hermes-2-Yi-34B)",
        note="vocabulary (64000 here, or 64009) and so the total are not verified; a checkpoint's config.json decides",
    ),
)
"""Small to large."""
