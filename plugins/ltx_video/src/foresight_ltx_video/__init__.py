"""LTX-Video's autoencoders as decoders. Importing this imports neither torch nor diffusers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from foresight_harness import BuildRequest, DecoderSpec, LatentSpace, hookimpl

from foresight_ltx_video.presets import AUTOENCODERS, LATENT_CHANNELS, STRIDE_FRAMES, STRIDE_PX, AutoencoderPreset

if TYPE_CHECKING:
    from foresight_harness.protocols import Decoder


@hookimpl
def foresight_decoders() -> Iterable[DecoderSpec]:
    """One decoder for each published autoencoder, a tiny one of the same class and strides, and a trained small one."""
    return [_spec(preset) for preset in AUTOENCODERS]


@hookimpl
def foresight_environment() -> Mapping[str, str]:
    """The version of diffusers, which holds the classes."""
    return {"diffusers": version("diffusers")}


def _spec(preset: AutoencoderPreset) -> DecoderSpec:
    def build(request: BuildRequest) -> Decoder:
        from foresight_ltx_video.decoder import build_decoder

        return build_decoder(preset, request)

    return DecoderSpec(
        name=preset.name,
        build=build,
        latent_space=LatentSpace(channels=LATENT_CHANNELS, stride_px=STRIDE_PX, stride_frames=STRIDE_FRAMES),
        family="ltx_video",
        config=preset.config,
        params=preset.params,
        weights=preset.weights,
        repo=preset.repo,
        subfolder="vae",
        license=preset.license,
        size=preset.size,
    )
