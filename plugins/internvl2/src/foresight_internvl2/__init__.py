"""InternVL2 (1B to 40B) for the Foresight harness. Importing it imports neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from foresight_harness import BuildRequest, EncoderSpec, hookimpl

from foresight_internvl2.architecture import ATTENTION
from foresight_internvl2.preprocessing import declared
from foresight_internvl2.presets import PRESETS, Preset

if TYPE_CHECKING:
    from foresight_harness.protocols import Encoder


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """Every size of InternVL2."""
    return [spec_of(preset) for preset in PRESETS]


def spec_of(preset: Preset) -> EncoderSpec:
    """What the harness is told about one size."""
    architecture = preset.architecture
    return EncoderSpec(
        name=preset.name,
        build=partial(_build, preset),
        taps=architecture.taps(),
        default_tap="post_projector",
        input_px=architecture.image_px,
        family="internvl2",
        preprocessing=declared(architecture.image_px),
        config=architecture.as_json(),
        params=preset.params,
        weights=("random", "pretrained") if preset.repo else ("random",),
        repo=preset.repo,
        license=preset.license,
        size=preset.size,
        attention=ATTENTION,
    )


def _build(preset: Preset, request: BuildRequest) -> Encoder:
    from foresight_internvl2.building import build_encoder

    return build_encoder(preset, request)
