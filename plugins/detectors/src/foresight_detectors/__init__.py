"""Detectors as encoders: what they see, and the boxes that they predict. Discovery imports no torch."""

from __future__ import annotations

from foresight_harness import EncoderSpec, hookimpl

from foresight_detectors.presets import SIZES
from foresight_detectors.specs import encoder_spec


@hookimpl
def foresight_encoders() -> list[EncoderSpec]:
    """Every size, tiny ones first."""
    return [encoder_spec(size) for size in SIZES]
