"""AlexNet's trunk, and any feature extractor of torchvision as ``torchvision:NAME``. Loads no torch."""

from __future__ import annotations

from foresight_harness import EncoderSpec, hookimpl

from foresight_torchvision.presets import ALEXNET, FAMILY
from foresight_torchvision.specs import encoder_spec, family_spec


@hookimpl
def foresight_encoders() -> list[EncoderSpec]:
    """LPIPS's trunk, and the family that takes any name."""
    return [encoder_spec(ALEXNET), family_spec(FAMILY)]
