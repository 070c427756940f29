"""LTX-Video's autoencoders and transformers as decoders. Importing this imports neither torch nor diffusers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, cast

from foresight_harness import BuildRequest, DecoderSpec, LatentSpace, MetricSpec, hookimpl

from foresight_ltx_video.presets import (
    AUTOENCODERS,
    CONDITIONED,
    FVD_VARIABLE,
    LATENT_CHANNELS,
    LORA_RANK,
    STRIDE_FRAMES,
    STRIDE_PX,
    AutoencoderPreset,
    ConditionedPreset,
    autoencoder_preset,
    transformer_preset,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from foresight_harness.protocols import ClipFeatures, Decoder, Metric


@hookimpl
def foresight_decoders() -> Iterable[DecoderSpec]:
    """Every published autoencoder, and a tiny one, a small trained one; every transformer, with and without places."""
    conditioned = [_conditioned(preset, positions) for preset in CONDITIONED for positions in (True, False)]
    return [*(_spec(preset) for preset in AUTOENCODERS), *conditioned]


@hookimpl
def foresight_metrics() -> Iterable[MetricSpec]:
    """FVD on VideoMAE's features, where the user names a folder with its weights."""
    folder = os.environ.get(FVD_VARIABLE)
    if not folder:
        return []
    return [
        MetricSpec(
            name="fvd_videomae",
            build=cast("Callable[[], Metric]", partial(_video_features, folder)),
            compares="distributions",
            unit="distance^2",
            direction="lower",
            range=(0.0, None),
            reference="Frechet distance (arXiv 1812.01717) of VideoMAE (arXiv 2203.12602) features before the "
            "classifier; on VideoMAE in place of I3D see arXiv 2404.12391; grows as clips get fewer",
            gateable=False,
        )
    ]


@hookimpl
def foresight_environment() -> Mapping[str, str]:
    """The version of diffusers, which holds the classes."""
    return {"diffusers": version("diffusers")}


def _video_features(folder: str) -> ClipFeatures:
    from foresight_ltx_video.video_features import build_features

    return build_features(folder)


def _spec(preset: AutoencoderPreset) -> DecoderSpec:
    def build(request: BuildRequest) -> Decoder:
        from foresight_ltx_video.decoder import build_decoder

        return build_decoder(preset, request)

    return DecoderSpec(
        name=preset.name,
        build=build,
        latent_space=LatentSpace(
            channels=preset.latent_channels, stride_px=preset.stride_px, stride_frames=preset.stride_frames
        ),
        family="ltx_video",
        config=preset.config,
        params=preset.params,
        weights=preset.weights,
        repo=preset.repo,
        subfolder="vae",
        license=preset.license,
        size=preset.size,
    )


def _conditioned(preset: ConditionedPreset, positions: bool) -> DecoderSpec:
    """The transformer behind an adapter of its own; ``NAME_unplaced`` is told nothing of where a token stands."""
    transformer, autoencoder = transformer_preset(preset.transformer), autoencoder_preset(preset.autoencoder)

    def build(request: BuildRequest) -> Decoder:
        from foresight_ltx_video.conditioned import build_conditioned

        return build_conditioned(preset, request)

    return DecoderSpec(
        name=preset.name if positions else f"{preset.name}_unplaced",
        build=build,
        latent_space=LatentSpace(channels=LATENT_CHANNELS, stride_px=STRIDE_PX, stride_frames=STRIDE_FRAMES),
        adapter="own",
        adapter_choices={"positions": positions},
        tuning={"lora_rank": LORA_RANK},
        loss="flow_matching",
        derives_from=None if positions else preset.name,
        family="ltx_video",
        config={
            "transformer": transformer.config,
            "schedule": transformer.schedule,
            "autoencoder": autoencoder.config,
            "steps": preset.steps,
        },
        params=transformer.params + autoencoder.params,
        weights=transformer.weights,
        repo=transformer.repo,
        subfolder=("transformer", "vae"),
        license=transformer.license,
        size=preset.size,
    )
