"""CogVLM2 and CogVLM2-Video for the Foresight harness. Importing it imports no torch."""

from __future__ import annotations

from collections.abc import Iterable

from foresight_harness import EncoderSpec, hookimpl
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD, built_by, encoder_spec, squashed

from foresight_cogvlm2.architecture import ATTENTION, PROJECTED
from foresight_cogvlm2.presets import NANO, PRESETS, Size


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """The chat model, the video model, a tiny one of each kind, and nano ones of the chat model's."""
    return [spec_of(preset) for preset in (*PRESETS, *NANO)]


def spec_of(preset: Size) -> EncoderSpec:
    """What the harness is told about one model."""
    architecture = preset.architecture
    return encoder_spec(
        preset,
        built_by("foresight_cogvlm2.encoder", preset),
        taps=architecture.taps(),
        default_tap=PROJECTED,
        input_px=architecture.vision.image_size,
        family="cogvlm2",
        preprocessing=squashed(architecture.vision.image_size, CLIP_MEAN, CLIP_STD),
        config=architecture.as_json(),
        attention=ATTENTION,
    )
