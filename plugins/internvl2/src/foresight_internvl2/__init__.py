"""InternVL2 (1B to 40B) for the Foresight harness. Importing it imports neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Iterable

from foresight_harness import CandidateError, EncoderSpec, MetricSpec, hookimpl
from foresight_vlm_kit.consistency.offers import consistency_metrics
from foresight_vlm_kit.presets import built_by, encoder_spec, squashed

from foresight_internvl2.architecture import MEAN, PROJECTED, STD
from foresight_internvl2.presets import NANO, PRESETS, VIEWS, Size

CARRIED = "internvl2_nano_where"
"""The nano size whose weights are in the package."""


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """Every size of InternVL2, then the nano ones; ``name:tiles``, ``:chat`` and ``:video`` read as the chat model."""
    return [spec_of(preset) for preset in (*PRESETS, *NANO)]


@hookimpl
def foresight_metrics() -> Iterable[MetricSpec]:
    """Whether the nano size that is carried says the same of a picture and of its reconstruction, on request."""
    carried = [(preset, preset.architecture.as_json()) for preset in NANO if preset.name == CARRIED]
    return consistency_metrics("foresight_internvl2.speaker", carried)


def spec_of(preset: Size, view: str = "") -> EncoderSpec:
    """What the harness is told about one size, read as a key of ``VIEWS`` says."""
    architecture = preset.architecture

    def expand(argument: str) -> EncoderSpec:
        if not argument or argument not in VIEWS:
            offered = ", ".join(f"{preset.name}:{name}" for name in VIEWS if name)
            raise CandidateError(f"{preset.name}:{argument} is not on offer; there are {offered}")
        return spec_of(preset, argument)

    return encoder_spec(
        preset,
        built_by("foresight_internvl2.building", preset, view=view),
        name=f"{preset.name}:{view}" if view else preset.name,
        taps=architecture.taps(),
        default_tap=PROJECTED,
        input_px=architecture.image_px,
        fixed_input=view == "tiles",
        view_of=preset.name if view == "tiles" else None,
        family="internvl2",
        preprocessing={**squashed(architecture.image_px, MEAN, STD), **VIEWS[view]},
        config=architecture.as_json(),
        expand=None if view else expand,
    )
