"""Conformance at every tap of the tiny size, for the base tile and for the tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foresight_harness import BuildRequest
from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.testing import EncoderConformance
from foresight_vlm_kit.testing import VlmConformance
from torch import nn


class TestBaseTile(VlmConformance):
    """The projector reads the last block but one: the last runs only where it is read itself."""

    plugin = "llava_next"
    encoders = ("llava_next_tiny",)
    runs = {  # noqa: RUF012
        ("patch_embed",): (0, 0),
        ("block.01",): (2, 0),
        ("post_projector",): (3, 0),
        ("llm.01",): (3, 1),
        ("block.03", "llm.01"): (4, 1),
    }
    repos = {
        f"llava_next_{size.replace('-', '_')}": f"llava-hf/llava-v1.6-{size}-hf"
        for size in ("vicuna-7b", "mistral-7b", "vicuna-13b", "34b")
    } | {f"llava_next_video_{size.lower()}": f"llava-hf/LLaVA-NeXT-Video-{size}-hf" for size in ("7B", "34B")}
    too_large = ("llava_next_34b", "vision_tower) needs 1.1 GiB")
    too_deep = ("llava_next_34b", 4, "vision_tower")

    def tower_blocks(self, encoder: Any) -> Sequence[nn.Module]:
        return list(encoder.tower.encoder.layers)


class TestTiles(EncoderConformance):
    plugin = "llava_next"
    encoders = ("llava_next_tiny",)
    sizes = ((224, 336), (196, 140))
    tolerance_cells = {"*": 1}  # noqa: RUF012 - the border is removed in whole tokens, so cells lie up to half a token off

    @classmethod
    def checked(cls) -> list[EncoderSpec]:
        return [spec.expand("hires") for spec in super().checked() if spec.expand]


class TestVideo(TestBaseTile):
    """Frames of a clip are one sequence to the language model."""

    encoders = ("llava_next_video_tiny",)
    order_aware_taps = ("llm.*",)
    too_large = ("llava_next_video_34b", "vision_tower) needs 1.1 GiB")
    too_deep = ("llava_next_video_34b", 4, "vision_tower")


class TestNano(EncoderConformance):
    """What was trained; the other two differ from it in values alone."""

    plugin = "llava_next"
    encoders = ("llava_next_nano_where",)
    request = BuildRequest(weights="nano")
    counted_taps = ("llm",)
