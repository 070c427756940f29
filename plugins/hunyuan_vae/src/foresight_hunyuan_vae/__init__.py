"""HunyuanVideo's autoencoder as a decoder. Importing this imports neither torch nor diffusers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from foresight_harness import BuildRequest, DecoderSpec, LatentSpace, hookimpl

from foresight_hunyuan_vae.presets import LATENT_CHANNELS, PRESETS, STRIDE_FRAMES, STRIDE_PX, Preset

if TYPE_CHECKING:
    from foresight_harness.protocols import Decoder


@hookimpl
def foresight_decoders() -> Iterable[DecoderSpec]:
    """The published autoencoder, and a tiny one of the same class and strides."""
    return [_spec(preset) for preset in PRESETS]


def _spec(preset: Preset) -> DecoderSpec:
    def build(request: BuildRequest) -> Decoder:
        from foresight_hunyuan_vae.building import build_decoder

        return build_decoder(preset, request)

    return DecoderSpec(
        name=preset.name,
        build=build,
        latent_space=LatentSpace(channels=LATENT_CHANNELS, stride_px=STRIDE_PX, stride_frames=STRIDE_FRAMES),
        family="hunyuan_vae",
        config=preset.config,
        params=preset.params,
        weights=("random", "pretrained") if preset.repo else ("random",),
        repo=preset.repo,
        subfolder="vae",
        license=preset.license,
        size=preset.size,
    )
