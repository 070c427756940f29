"""CogVLM2 and CogVLM2-Video for the Foresight harness. Importing it imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from foresight_harness import CandidateError, EncoderSpec, hookimpl
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD, built_by, encoder_spec, squashed

from foresight_cogvlm2.architecture import ATTENTION, PROJECTED
from foresight_cogvlm2.presets import CLIP, CLIP_FRAMES, NANO, PRESETS, VIDEO_CLASS, Size


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """The chat model, the video model, a tiny one of each kind, and nano ones; ``name:clip`` reads a whole clip."""
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
        expand=partial(_variant, preset) if preset.class_name == VIDEO_CLASS else None,
    )


def clip_spec_of(preset: Size) -> EncoderSpec:
    """What the harness is told about a video model that reads a clip in one sequence, as it was trained."""
    spec = spec_of(preset)
    return replace(
        spec,
        name=f"{preset.name}:{CLIP}",
        build=built_by("foresight_cogvlm2.clip", preset),
        preprocessing={
            **spec.preprocessing,
            "frames": f"up to {CLIP_FRAMES} in one sequence, each followed by its index",
        },
        view_of=preset.name,
        expand=None,
    )


def _variant(preset: Size, argument: str) -> EncoderSpec:
    if argument != CLIP:
        raise CandidateError(f"{preset.name}:{argument} is not on offer; {preset.name}:{CLIP} reads a whole clip")
    return clip_spec_of(preset)
