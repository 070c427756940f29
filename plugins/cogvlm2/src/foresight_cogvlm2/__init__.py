"""CogVLM2 and CogVLM2-Video for the Foresight harness. Importing it imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from foresight_harness import BuildRequest, EncoderSpec, hookimpl

from foresight_cogvlm2.architecture import ATTENTION
from foresight_cogvlm2.preprocessing import declared
from foresight_cogvlm2.presets import PRESETS, Preset

if TYPE_CHECKING:
    from foresight_harness.protocols import Encoder


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """The chat model, the video model, and a tiny one of each kind."""
    return [spec_of(preset) for preset in PRESETS]


def spec_of(preset: Preset) -> EncoderSpec:
    """What the harness is told about one model."""
    architecture = preset.architecture
    return EncoderSpec(
        name=preset.name,
        build=partial(_build, preset),
        taps=architecture.taps(),
        default_tap="vision_out",
        input_px=architecture.vision.image_size,
        family="cogvlm2",
        preprocessing=declared(architecture.vision.image_size),
        config=architecture.as_json(),
        params=preset.params,
        weights=("random", "pretrained") if preset.repo else ("random",),
        repo=preset.repo,
        license=preset.license,
        size=preset.size,
        attention=ATTENTION,
    )


def _build(preset: Preset, request: BuildRequest) -> Encoder:
    from foresight_cogvlm2.building import build_encoder

    return build_encoder(preset, request)
