"""Vision towers of models that name and place what they see: Florence-2, Kosmos-2. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Iterable

from foresight_harness import EncoderSpec, hookimpl
from foresight_vlm_kit.presets import built_by, encoder_spec, squashed

from foresight_grounding_vlms.presets import PRESETS, Size
from foresight_grounding_vlms.taps import DEFAULT, taps_of


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """Every size, tiny ones first."""
    return [spec_of(preset) for preset in PRESETS]


def spec_of(preset: Size) -> EncoderSpec:
    """What the harness is told about one size."""
    return encoder_spec(
        preset,
        built_by("foresight_grounding_vlms.building", preset),
        taps=taps_of(preset),
        default_tap=DEFAULT[preset.family],
        input_px=preset.input_px,
        family=preset.family,
        preprocessing=squashed(preset.input_px, *preset.colours),
        config=preset.config,
        attention=("eager", "sdpa"),
        tolerance_cells=preset.tolerance_cells,
    )
