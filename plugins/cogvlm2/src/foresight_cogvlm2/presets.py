"""Published configurations as data, with the parameter counts that tests hold them to. No torch.

Source: ``config.json`` and the weight index of THUDM/cogvlm2-llama3-chat-19B and THUDM/cogvlm2-video-llama3-chat.
"""

from __future__ import annotations

from dataclasses import dataclass

from foresight_vlm_kit.presets import NANO_OBJECTIVES, Preset, nano_facts

from foresight_cogvlm2.architecture import Architecture, TextShape, VisionShape


@dataclass(frozen=True, kw_only=True)
class Size(Preset):
    """One model on offer."""

    architecture: Architecture
    class_name: str
    """``architectures`` entry of the published ``config.json``."""


def _eva(image_size: int) -> VisionShape:
    return VisionShape(1792, 63, 16, 15360, image_size)


def _llama3(visual_experts: bool) -> TextShape:
    return TextShape(4096, 32, 32, 8, 14336, vocab_size=128256, bos_token_id=128000, visual_experts=visual_experts)


def _tiny(visual_experts: bool) -> Architecture:
    """The real modules at a small size: 16x16 tokens in the tower, 8x8 behind the convolution."""
    text = TextShape(96, 4, 4, 2, 192, vocab_size=256, bos_token_id=1, visual_experts=visual_experts)
    return Architecture(VisionShape(64, 3, 4, 128, image_size=224), text)


CHAT_CLASS, VIDEO_CLASS = "CogVLMForCausalLM", "CogVLMVideoForCausalLM"
CLIP = "clip"
"""Variant of a video model that reads all frames of a clip in one sequence."""

CLIP_FRAMES = 24
"""Frames that the published preprocessing gives to the video model at most."""

LICENSE = "CogVLM2 licence; language model: Meta Llama 3 Community Licence"

PRESETS = (
    Size(name="cogvlm2_tiny", architecture=_tiny(True), params=947_232, class_name=CHAT_CLASS, size="tiny"),
    Size(name="cogvlm2_video_tiny", architecture=_tiny(False), params=614_688, class_name=VIDEO_CLASS, size="tiny"),
    Size(
        name="cogvlm2_video",
        architecture=Architecture(_eva(224), _llama3(visual_experts=False)),
        params=12_507_530_496,
        class_name=VIDEO_CLASS,
        repo="THUDM/cogvlm2-video-llama3-chat",
        license=LICENSE,
    ),
    Size(
        name="cogvlm2_chat_19b",
        architecture=Architecture(_eva(1344), _llama3(visual_experts=True)),
        params=19_503_105_280,
        class_name=CHAT_CLASS,
        repo="THUDM/cogvlm2-llama3-chat-19B",
        license=LICENSE,
    ),
)
"""Small to large."""


NANO = tuple(
    Size(
        **nano_facts("cogvlm2", objective),
        architecture=Architecture(
            VisionShape(64, 4, 4, 128, image_size=224),
            TextShape(64, 4, 4, 2, 128, vocab_size=256, bos_token_id=1, visual_experts=True),
        ),
        params=562_240,
        class_name=CHAT_CLASS,
    )
    for objective in NANO_OBJECTIVES
)
"""What ``train_nano`` trains; this package carries none of them. Random weights of seed 0 are their exact start."""
