"""LLaVA-NeXT (1.6) as an encoder: its vision tower, projector and language model. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from foresight_harness import BuildRequest, CandidateError, EncoderSpec, hookimpl

from foresight_llava_next.presets import BASE_PREPROCESSING, PRESETS, TILED_PREPROCESSING, Preset
from foresight_llava_next.taps import taps_of

if TYPE_CHECKING:
    from foresight_harness.protocols import Encoder

HIRES = "hires"


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """One encoder for each published size, and a tiny one of the same classes; ``name:hires`` reads the tiles."""
    return [_spec(preset, tiled=False) for preset in PRESETS]


def _spec(preset: Preset, *, tiled: bool) -> EncoderSpec:
    def build(request: BuildRequest) -> Encoder:
        from foresight_llava_next.building import build_encoder

        return build_encoder(preset, request, tiled=tiled)

    def expand(argument: str) -> EncoderSpec:
        if argument != HIRES:
            raise CandidateError(f"{preset.name}:{argument} is not on offer; {preset.name}:{HIRES} reads the tiles")
        return _spec(preset, tiled=True)

    return EncoderSpec(
        name=f"{preset.name}:{HIRES}" if tiled else preset.name,
        build=build,
        taps=taps_of(preset.config),
        default_tap="post_projector",
        input_px=preset.tile_px * 2 if tiled else preset.tile_px,
        fixed_input=True,
        family="llava_next",
        preprocessing=TILED_PREPROCESSING if tiled else BASE_PREPROCESSING,
        config=preset.config,
        params=preset.params,
        repo=preset.repo,
        weights=("random", "pretrained") if preset.repo else ("random",),
        license=preset.license,
        size=preset.size,
        attention=("eager", "sdpa", "flash_attention_2"),
        expand=None if tiled else expand,
    )
