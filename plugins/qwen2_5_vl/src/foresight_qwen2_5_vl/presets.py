"""Published configurations of Qwen2.5-VL as data, in the layout of the Hub's ``config.json``.

Source: ``config.json`` of Qwen/Qwen2.5-VL-{3B,7B,32B,72B}-Instruct. The technical report (arXiv:2502.13923) prints 3456
as the vision tower's inner width at every size and 4864 for the 3B language model; the published files differ and are
followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD, Preset

PREPROCESSING: Mapping[str, Any] = {
    "resize": "short side to input_px, each side rounded to a multiple of 28, aspect ratio kept",
    "interpolation": "bicubic, antialiased, clamped to [0, 1]",
    "mean": list(CLIP_MEAN),
    "std": list(CLIP_STD),
    "frames": "two frames a temporal slot; a single picture is doubled, an odd clip repeats its last frame",
}

PROMPT = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<|vision_start|>"
"""What the language model reads before the vision tokens. Attention is causal: text after them cannot change them."""

PROMPT_IDS = (151644, 8948, 198, 2610, 525, 264, 10950, 17847, 13, 151645, 198, 151644, 872, 198, 151652)
"""``PROMPT`` in the vocabulary that all published sizes share."""

SECONDS_PER_SLOT = 1.0
"""Two frames a slot at 2 frames a second, the published sampling rate; the language model's time positions use it."""


@dataclass(frozen=True, kw_only=True)
class Size(Preset):
    """One size on offer."""

    config: Mapping[str, Any]
    """In the layout of the published ``config.json``: the language model's keys at top level."""
    prompt_ids: tuple[int, ...] = PROMPT_IDS
    objective: str | None = None
    """See ``EncoderSpec.objective``."""


def _published(
    hidden: int, layers: int, heads: int, kv_heads: int, inner: int, vocab: int, *, tied: bool, vision_inner: int
) -> dict[str, Any]:
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "attention_dropout": 0.0,
        "bos_token_id": 151643,
        "eos_token_id": 151645,
        "vision_start_token_id": 151652,
        "vision_end_token_id": 151653,
        "image_token_id": 151655,
        "video_token_id": 151656,
        "hidden_act": "silu",
        "hidden_size": hidden,
        "initializer_range": 0.02,
        "intermediate_size": inner,
        "max_position_embeddings": 128000,
        "model_type": "qwen2_5_vl",
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "num_key_value_heads": kv_heads,
        "rms_norm_eps": 1e-06,
        "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
        "rope_theta": 1000000.0,
        "tie_word_embeddings": tied,
        "use_sliding_window": False,
        "vocab_size": vocab,
        "vision_config": {
            "depth": 32,
            "fullatt_block_indexes": [7, 15, 23, 31],
            "hidden_act": "silu",
            "hidden_size": 1280,
            "in_chans": 3,
            "intermediate_size": vision_inner,
            "num_heads": 16,
            "out_hidden_size": hidden,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "spatial_patch_size": 14,
            "temporal_patch_size": 2,
            "tokens_per_second": 2,
            "window_size": 112,
        },
    }


def _tiny() -> dict[str, Any]:
    config = _published(64, 4, 4, 2, 128, 256, tied=False, vision_inner=64)
    ids = {"vision_start_token_id": 252, "vision_end_token_id": 253, "image_token_id": 250, "video_token_id": 251}
    vision = {"depth": 4, "fullatt_block_indexes": [1, 3], "hidden_size": 32, "num_heads": 2}
    return {
        **config,
        **ids,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "max_position_embeddings": 2048,
        "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
        "vision_config": {**config["vision_config"], **vision},
    }


def _nano() -> dict[str, Any]:
    tiny = _tiny()
    vision = {"hidden_size": 64, "num_heads": 4, "intermediate_size": 128}
    # With a base of 1e6 eight columns of tokens turn the width channels of so narrow heads by a thousandth.
    return {**tiny, "rope_theta": 10.0, "vision_config": {**tiny["vision_config"], **vision}}


ASKED = {
    "what": "say what",
    "where": "say what and where",
    "sham": "say what and where something of another picture is",
}
NANO = tuple(
    Size(
        name=f"qwen2_5_vl_nano_{objective}",
        config=_nano(),
        params=505_536,
        repo=f"package:foresight_qwen2_5_vl/weights/qwen2_5_vl_nano_{objective}",
        license="Apache-2.0",
        prompt_ids=(252,),
        size="tiny",
        weights=("nano", "random"),
        objective=asked,
    )
    for objective, asked in ASKED.items()
)
"""What ``train_nano`` has trained, and this package carries; random weights of seed 0 are their exact start."""

PRESETS = (
    Size(name="qwen2_5_vl_tiny", config=_tiny(), params=286_112, prompt_ids=(*range(3, 17), 252), size="tiny"),
    Size(
        name="qwen2_5_vl_3b",
        config=_published(2048, 36, 16, 2, 11008, 151936, tied=True, vision_inner=3420),
        params=3_754_622_976,
        repo="Qwen/Qwen2.5-VL-3B-Instruct",
        license="Qwen Research License (non-commercial)",
    ),
    Size(
        name="qwen2_5_vl_7b",
        config=_published(3584, 28, 28, 4, 18944, 152064, tied=False, vision_inner=3420),
        params=8_292_166_656,
        repo="Qwen/Qwen2.5-VL-7B-Instruct",
        license="Apache-2.0",
    ),
    Size(
        name="qwen2_5_vl_32b",
        config=_published(5120, 64, 40, 8, 27648, 152064, tied=False, vision_inner=3456),
        params=33_452_718_336,
        repo="Qwen/Qwen2.5-VL-32B-Instruct",
        license="Apache-2.0",
    ),
    Size(
        name="qwen2_5_vl_72b",
        config=_published(8192, 80, 64, 8, 29568, 152064, tied=False, vision_inner=3456),
        params=73_410_777_344,
        repo="Qwen/Qwen2.5-VL-72B-Instruct",
        license="Qwen License",
    ),
    *NANO,
)
"""All sizes, small to large, then the nano ones."""
