from __future__ import annotations

from foresight_harness.testing import EncoderConformance


class TestFlorence2(EncoderConformance):
    """Convolutions in every block, and strided ones between stages."""

    plugin = "grounding_vlms"
    encoders = ("florence2_tiny",)


class TestKosmos2(EncoderConformance):
    """A vision transformer's cells are exact."""

    plugin = "grounding_vlms"
    encoders = ("kosmos2_tiny",)
