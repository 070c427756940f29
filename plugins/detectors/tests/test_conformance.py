from __future__ import annotations

from typing import ClassVar

from foresight_detectors.presets import OWLV2_TINY
from foresight_detectors.specs import encoder_spec
from foresight_harness import EncoderSpec
from foresight_harness.testing import EncoderConformance


class TestOwlvit(EncoderConformance):
    """A vision transformer's cells are exact, whatever a run grants."""

    plugin = "detectors"
    encoders = ("owlvit_tiny",)
    tolerance_cells: ClassVar[dict[str, int]] = {"*": 0}


class TestDetr(EncoderConformance):
    """A ResNet's cells are centred half a token off."""

    plugin = "detectors"
    encoders = ("detr_tiny",)
    tolerance_cells: ClassVar[dict[str, int]] = {"*": 1}


class TestGroundingDino(EncoderConformance):
    """A token of the finest level also reads levels of 16 to 64 px: with random weights it may be two cells off."""

    plugin = "detectors"
    encoders = ("grounding_dino_tiny",)
    tolerance_cells: ClassVar[dict[str, int]] = {"block.*": 2, "level.*": 1}


class TestOwlv2(EncoderConformance):
    """Padded to a square, and read where the picture is."""

    plugin = "detectors"
    tolerance_cells: ClassVar[dict[str, int]] = {"*": 0}

    @classmethod
    def checked(cls) -> list[EncoderSpec]:
        return [encoder_spec(OWLV2_TINY)]
