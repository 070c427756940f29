"""Published configurations of LLaVA-NeXT-Video as data, in the layout of the Hub's ``config.json``.

Source: ``LlavaNextVideoConfig`` of the transformers library, whose defaults are the 7B model's, and that library's
conversion of lmms-lab/LLaVA-NeXT-Video-{7B,34B}: Vicuna 1.5 and Nous-Hermes-2-Yi, vocabularies padded to a multiple of
64, tokens averaged 2x2, both placeholders behind the base vocabulary. The placeholders of the 34B model are those of
that conversion and were not read from the published file; a checkpoint's own ``config.json`` decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foresight_llava_next.presets import (
    BASE_PREPROCESSING,
    CHATML,
    VICUNA,
    Size,
    sizes,
    text_config,
    whole_config,
)

VIDEO_PREPROCESSING: Mapping[str, Any] = {
    **BASE_PREPROCESSING,
    "resize": "squashed to a square, aspect ratio not kept; the published processor crops the middle instead",
    "frames": "all frames of a clip are one video, one slot each",
}


def _video(text: Mapping[str, Any], video_token: int, **more: Any) -> dict[str, Any]:
    return {
        **whole_config(text, image_token=video_token + 1, **more),
        "architectures": ["LlavaNextVideoForConditionalGeneration"],
        "model_type": "llava_next_video",
        "spatial_pool_mode": "average",
        "spatial_pool_stride": 2,
        "video_token_index": video_token,
    }


VIDEO_PRESETS = (
    Size(
        name="llava_next_video_tiny",
        config=_video(
            text_config("llama", 64, 4, 4, 2, 128, 256, 4096, bos_token_id=1, eos_token_id=2),
            250,
            tile=224,
            vision={**sizes(32, 4, 4, 64), "projection_dim": 32},
        ),
        params=248_512,
        prompt=VICUNA,
        size="tiny",
    ),
    Size(
        name="llava_next_video_7b",
        config=_video(text_config("llama", 4096, 32, 32, 32, 11008, 32064, 4096, rope_theta=1e4), 32000),
        params=7_063_431_168,
        prompt=VICUNA,
        repo="llava-hf/LLaVA-NeXT-Video-7B-hf",
        license="Llama 2 Community License (base: lmsys/vicuna-7b-v1.5)",
    ),
    Size(
        name="llava_next_video_34b",
        config=_video(text_config("llama", 7168, 60, 56, 8, 20480, 64064, 4096, rope_theta=5e6), 64000),
        params=34_752_083_968,
        prompt=CHATML,
        repo="llava-hf/LLaVA-NeXT-Video-34B-hf",
        license="that of NousResearch/Nous-Hermes-2-Yi-34B (base)",
    ),
)
"""Small to large."""
