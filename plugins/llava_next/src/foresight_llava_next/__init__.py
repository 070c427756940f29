"""LLaVA-NeXT (1.6) and its video model as encoders: tower, projector, language model. Importing it imports no torch."""

from __future__ import annotations

from collections.abc import Iterable

from foresight_harness import CandidateError, EncoderSpec, MetricSpec, hookimpl
from foresight_vlm_kit.consistency.offers import consistency_metrics
from foresight_vlm_kit.presets import LIBRARY_LOADING, built_by, encoder_spec

from foresight_llava_next.presets import BASE_PREPROCESSING, NANO, PRESETS, TILED_PREPROCESSING, Size
from foresight_llava_next.taps import PROJECTED, taps_of
from foresight_llava_next.video_presets import VIDEO_PREPROCESSING, VIDEO_PRESETS

HIRES = "hires"


CARRIED = "llava_next_nano_where"
"""The nano size whose weights are in the package."""


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """Each published size, a tiny one and nano ones of its classes; ``name:hires`` reads the tiles. Then videos."""
    return [*map(spec_of, (*PRESETS, *NANO)), *map(video_spec_of, VIDEO_PRESETS)]


@hookimpl
def foresight_metrics() -> Iterable[MetricSpec]:
    """Whether the nano size that is carried says the same of a picture and of its reconstruction, on request."""
    carried = [(preset, preset.config) for preset in NANO if preset.name == CARRIED]
    return consistency_metrics("foresight_llava_next.speaker", carried)


def spec_of(preset: Size, *, tiled: bool = False) -> EncoderSpec:
    """What the harness is told about one size, of its base tile or of its tiles."""

    def expand(argument: str) -> EncoderSpec:
        if argument != HIRES:
            raise CandidateError(f"{preset.name}:{argument} is not on offer; {preset.name}:{HIRES} reads the tiles")
        return spec_of(preset, tiled=True)

    return encoder_spec(
        preset,
        built_by("foresight_llava_next.encoder", preset, tiled=tiled),
        name=f"{preset.name}:{HIRES}" if tiled else preset.name,
        taps=taps_of(preset.config),
        default_tap=PROJECTED,
        input_px=preset.sides(tiled)[-1],
        fixed_input=True,
        view_of=preset.name if tiled else None,
        family="llava_next",
        preprocessing=TILED_PREPROCESSING if tiled else BASE_PREPROCESSING,
        config=preset.config,
        expand=None if tiled else expand,
        **LIBRARY_LOADING,
    )


def video_spec_of(preset: Size) -> EncoderSpec:
    """What the harness is told about one size of LLaVA-NeXT-Video."""
    return encoder_spec(
        preset,
        built_by("foresight_llava_next.video", preset),
        taps=taps_of(preset.config),
        default_tap=PROJECTED,
        input_px=preset.sides(False)[-1],
        fixed_input=True,
        family="llava_next_video",
        preprocessing=VIDEO_PREPROCESSING,
        config=preset.config,
        **LIBRARY_LOADING,
    )
