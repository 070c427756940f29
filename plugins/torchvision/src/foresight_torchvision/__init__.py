"""AlexNet's trunk, a tiny VGG, and any feature extractor of torchvision as ``torchvision:NAME``. Loads no torch."""

from __future__ import annotations

from foresight_harness import EncoderSpec, hookimpl

from foresight_torchvision.presets import ALEXNET, FAMILY, VGG_TINY, encoder_spec, family_spec


@hookimpl
def foresight_encoders() -> list[EncoderSpec]:
    """The tiny one, LPIPS's trunk, and the family that takes any name."""
    return [encoder_spec(VGG_TINY), encoder_spec(ALEXNET), family_spec(FAMILY)]
