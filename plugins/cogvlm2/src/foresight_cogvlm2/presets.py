"""Published configurations as data, with the parameter counts that tests hold them to. No torch.

Source: ``config.json`` and the weight index of THUDM/cogvlm2-llama3-chat-19B and THUDM/cogvlm2-video-llama3-chat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from foresight_cogvlm2.architecture import Architecture, TextShape, VisionShape


@dataclass(frozen=True)
class Preset:
    """One model on offer."""

    name: str
    architecture: Architecture
    params: int
    """Of the whole model, language head included."""
    vision_params: int
    """Of tower, convolution, GLU and the two tokens around a picture."""
    class_name: str
    """``architectures`` entry of the published ``config.json``."""
    repo: str | None = None
    license: str | None = None
    size: Literal["tiny", "published"] = "published"


def _eva(image_size: int) -> VisionShape:
    return VisionShape(
        hidden_size=1792, num_hidden_layers=63, num_heads=16, intermediate_size=15360, image_size=image_size
    )


def _llama3(visual_experts: bool) -> TextShape:
    return TextShape(
        hidden_size=4096,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_multi_query_heads=8,
        intermediate_size=14336,
        vocab_size=128256,
        bos_token_id=128000,
        visual_experts=visual_experts,
    )


def _tiny(visual_experts: bool) -> Architecture:
    """The real modules at a small size: 16x16 tokens in the tower, 8x8 behind the convolution."""
    return Architecture(
        VisionShape(hidden_size=64, num_hidden_layers=3, num_heads=4, intermediate_size=128, image_size=224),
        TextShape(
            hidden_size=96,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_multi_query_heads=2,
            intermediate_size=192,
            vocab_size=256,
            bos_token_id=1,
            visual_experts=visual_experts,
        ),
    )


CHAT_CLASS, VIDEO_CLASS = "CogVLMForCausalLM", "CogVLMVideoForCausalLM"
LICENSE = "CogVLM2 licence; language model: Meta Llama 3 Community Licence"

PRESETS = (
    Preset("cogvlm2_tiny", _tiny(True), 947_232, 232_896, CHAT_CLASS, size="tiny"),
    Preset("cogvlm2_video_tiny", _tiny(False), 614_688, 232_896, VIDEO_CLASS, size="tiny"),
    Preset(
        "cogvlm2_video",
        Architecture(_eva(224), _llama3(visual_experts=False)),
        12_507_530_496,
        4_477_269_248,
        VIDEO_CLASS,
        repo="THUDM/cogvlm2-video-llama3-chat",
        license=LICENSE,
    ),
    Preset(
        "cogvlm2_chat_19b",
        Architecture(_eva(1344), _llama3(visual_experts=True)),
        19_503_105_280,
        4_493_325_568,
        CHAT_CLASS,
        repo="THUDM/cogvlm2-llama3-chat-19B",
        license=LICENSE,
    ),
)
"""Small to large."""
