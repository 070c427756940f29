"""Vision transformers of timm: chosen ones by short names, every other as ``timm:NAME``. Discovery imports no torch."""

from __future__ import annotations

from foresight_harness import EncoderSpec, hookimpl

from foresight_timm.presets import PRESETS
from foresight_timm.specs import encoder_spec, family_spec


@hookimpl
def foresight_encoders() -> list[EncoderSpec]:
    """The chosen ones, and the family that takes any name."""
    return [*(encoder_spec(preset) for preset in PRESETS), family_spec()]
