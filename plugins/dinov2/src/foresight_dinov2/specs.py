"""What the harness is told of each size."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from foresight_harness import BuildRequest, EncoderSpec, TapSpec

from foresight_dinov2.presets import ATTENTION, INPUT_PX, PATCH_PX, PREPROCESSING, Size

if TYPE_CHECKING:
    from foresight_dinov2.encoder import Dinov2Encoder


def taps(size: Size) -> tuple[TapSpec, ...]:
    """Patch embedding (before positions), every block's output, and the final norm."""
    names = ["patch_embed", *(f"block.{index:02d}" for index in range(size.blocks))]
    return (
        *(TapSpec(name, size.width, PATCH_PX) for name in names),
        TapSpec("last", size.width, PATCH_PX, normed=True),
    )


def encoder_spec(size: Size) -> EncoderSpec:
    """What the harness is told of one size."""
    return EncoderSpec(
        name=size.name,
        build=partial(_build, size),
        taps=taps(size),
        default_tap="last",
        input_px=INPUT_PX,
        family="dinov2",
        preprocessing=PREPROCESSING,
        config=size.config,
        params=size.params,
        weights=size.weights,
        repo=size.repo,
        revision=size.commit,
        published=size.published,
        license=size.license,
        size="published" if size.repo and "nano" not in size.weights else "tiny",
        attention=ATTENTION,
        objective=size.objective,
    )


def _build(size: Size, request: BuildRequest) -> Dinov2Encoder:
    from foresight_dinov2.building import build

    return build(size, request)
