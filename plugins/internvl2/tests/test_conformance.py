"""Conformance at every tap of the tiny size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foresight_harness import BuildRequest
from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.testing import EncoderConformance
from foresight_vlm_kit.testing import VlmConformance
from torch import nn


class TestInternVL2(VlmConformance):
    """``pre_shuffle`` is the last block under its usual name, and the only tap that equals another one."""

    plugin = "internvl2"
    encoders = ("internvl2_tiny",)
    aliases = {"pre_shuffle": "block.03"}  # noqa: RUF012
    runs = {  # noqa: RUF012
        ("patch_embed",): (0, 0),
        ("block.01",): (2, 0),
        ("pre_shuffle",): (4, 0),
        ("post_projector",): (4, 0),
        ("llm.02",): (4, 2),
    }
    repos = {  # noqa: RUF012
        f"internvl2_{size.lower().replace('-', '_')}": f"OpenGVLab/InternVL2-{size}"
        for size in ("1B", "2B", "8B", "8B-MPO", "26B", "40B")
    }
    too_large = ("internvl2_26b", "vision) needs 21.1 GiB")
    too_deep = ("internvl2_26b", 24, "vision")

    def tower_blocks(self, encoder: Any) -> Sequence[nn.Module]:
        return list(encoder.vision.vision_tower.encoder.layer)


class TestTiles(EncoderConformance):
    plugin = "internvl2"
    encoders = ("internvl2_tiny",)
    sizes = ((224, 336), (196, 140))
    aliases = {"pre_shuffle": "block.03"}  # noqa: RUF012
    view = "tiles"

    @classmethod
    def checked(cls) -> list[EncoderSpec]:
        return [spec.expand(cls.view) for spec in super().checked() if spec.expand]


class TestChat(TestTiles):
    view = "chat"


class TestVideo(TestTiles):
    """Frames of a clip are one sequence to the language model."""

    view = "video"
    order_aware_taps = ("llm.*",)


class TestNano(EncoderConformance):
    """What was trained; the other two differ from it in values alone."""

    plugin = "internvl2"
    encoders = ("internvl2_nano_where",)
    request = BuildRequest(weights="nano")
    counted_taps = ("llm",)
    aliases = {"pre_shuffle": "block.03"}  # noqa: RUF012
