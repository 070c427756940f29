"""Conformance at every tap of both tiny presets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foresight_harness import EncoderSpec
from foresight_harness.testing import EncoderConformance
from foresight_vlm_kit.testing import VlmConformance
from torch import nn


class TestCogVLM2(VlmConformance):
    """``pre_conv`` is the last block under its usual name, and the only tap that equals another one."""

    plugin = "cogvlm2"
    encoders = ("cogvlm2_tiny", "cogvlm2_video_tiny")
    aliases = {"pre_conv": "block.02"}  # noqa: RUF012
    runs = {  # noqa: RUF012
        ("patch_embed",): (0, 0),
        ("block.01",): (2, 0),
        ("pre_conv",): (3, 0),
        ("vision_out",): (3, 0),
        ("llm.02",): (3, 2),
    }
    repos = {  # noqa: RUF012
        "cogvlm2_video": "THUDM/cogvlm2-video-llama3-chat",
        "cogvlm2_chat_19b": "THUDM/cogvlm2-llama3-chat-19B",
    }
    too_large = ("cogvlm2_chat_19b", "vision) needs 16.7 GiB")
    too_deep = ("cogvlm2_chat_19b", 20, "vision")

    def tower_blocks(self, encoder: Any) -> Sequence[nn.Module]:
        return list(encoder.vision.transformer.layers)


class TestClip(TestCogVLM2):
    """All frames of a clip in one sequence of the language model."""

    encoders = ("cogvlm2_video_tiny",)
    order_aware_taps = ("llm.*",)

    @classmethod
    def checked(cls) -> list[EncoderSpec]:
        return [spec.expand("clip") for spec in super().checked() if spec.expand]


class TestNano(EncoderConformance):
    """At their start: behind the convolution the trained ones answer to a square in places that are not its own."""

    plugin = "cogvlm2"
    encoders = ("cogvlm2_nano_where",)
    counted_taps = ("llm",)
    aliases = {"pre_conv": "block.03"}  # noqa: RUF012
