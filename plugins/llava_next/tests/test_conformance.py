"""The harness's conformance kit at every tap of the tiny size, for the base tile and for the tiles."""

from __future__ import annotations

from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.testing import EncoderConformance


class TestBaseTile(EncoderConformance):
    plugin = "llava_next"


class TestTiles(EncoderConformance):
    plugin = "llava_next"
    sizes = ((224, 336), (196, 140))
    tolerance_cells = {"*": 1}  # noqa: RUF012 - the border is removed in whole tokens, so cells lie up to half a token off

    @classmethod
    def checked(cls) -> list[EncoderSpec]:
        return [spec.expand("hires") for spec in super().checked() if spec.expand]
