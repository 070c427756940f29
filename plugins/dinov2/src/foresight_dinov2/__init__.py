"""DINOv2, with and without registers. Discovery imports no torch."""

from __future__ import annotations

from foresight_harness import EncoderSpec, hookimpl

from foresight_dinov2.presets import NANO, SALIENCY, SIZES
from foresight_dinov2.specs import encoder_spec


@hookimpl
def foresight_encoders() -> list[EncoderSpec]:
    """Every size, tiny first, then the fine-tuned one and the nano one."""
    return [encoder_spec(size) for size in (*SIZES, SALIENCY, NANO)]
