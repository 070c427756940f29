"""HunyuanVideo's autoencoders as decoders. Importing this imports neither torch nor diffusers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from foresight_harness import BuildRequest, DecoderSpec, LatentSpace, hookimpl

from foresight_hunyuan_vae.presets import PRESETS, Preset

if TYPE_CHECKING:
    from foresight_harness.protocols import Decoder


@hookimpl
def foresight_decoders() -> Iterable[DecoderSpec]:
    """The published autoencoders, each with a tiny one of the same class and strides."""
    return [_spec(preset) for preset in PRESETS]


def _spec(preset: Preset) -> DecoderSpec:
    def build(request: BuildRequest) -> Decoder:
        from foresight_hunyuan_vae.building import build_decoder

        return build_decoder(preset, request)

    return DecoderSpec(
        name=preset.name,
        build=build,
        latent_space=LatentSpace(
            channels=preset.latent_channels, stride_px=preset.stride_px, stride_frames=preset.stride_frames
        ),
        family="hunyuan_vae",
        config=preset.config,
        params=preset.params,
        weights=("random", "pretrained") if preset.repo else ("random",),
        repo=preset.repo,
        subfolder="vae",
        license=preset.license,
        size=preset.size,
    )
