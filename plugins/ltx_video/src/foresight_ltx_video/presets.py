"""Published configurations of LTX-Video as data. No torch here.

Source: ``vae/config.json`` and ``transformer/config.json`` of the named Hub repositories, and diffusers'
``scripts/convert_ltx_to_diffusers.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from foresight_harness.contracts.specs.models import WeightsKind

LATENT_CHANNELS = 128
LORA_RANK = 16
"""Of the changes that a recipe may tune the transformer by (``--recipe decoder_lora``)."""
STRIDE_PX = 32
STRIDE_FRAMES = 8
PROMPT_WIDTH = 4096
"""Channels of one prompt token: T5-XXL's width."""

REPO = "Lightricks/LTX-Video"
LICENSE = "LTX-Video Open Weights License"
DECODE_TIMESTEP = 0.05
"""Recommended timestep at which conditioned autoencoders decode."""
DECODE_NOISE_SCALE = 0.025
"""Recommended share of noise in the latents that they decode."""


@dataclass(frozen=True)
class AutoencoderPreset:
    """One version of the autoencoder."""

    name: str
    config: Mapping[str, Any]
    """Arguments of ``AutoencoderKLLTXVideo``; JSON types only."""
    params: int
    repo: str | None = None
    license: str | None = None
    size: Literal["tiny", "published"] = "published"
    weights: tuple[WeightsKind, ...] = ("random", "pretrained")
    latent_channels: int = LATENT_CHANNELS
    stride_px: int = STRIDE_PX
    stride_frames: int = STRIDE_FRAMES


@dataclass(frozen=True)
class TransformerPreset:
    """One size of the video transformer."""

    name: str
    config: Mapping[str, Any]
    """Arguments of ``LTXVideoTransformer3DModel``; JSON types only."""
    schedule: Mapping[str, Any]
    """Arguments of ``FlowMatchEulerDiscreteScheduler`` where no checkpoint brings its own."""
    params: int
    repo: str | None = None
    license: str | None = None
    weights: tuple[WeightsKind, ...] = ("random", "pretrained")


def _common(timestep_conditioning: bool) -> dict[str, Any]:
    return {
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": LATENT_CHANNELS,
        "patch_size": 4,
        "patch_size_t": 1,
        "resnet_norm_eps": 1e-6,
        "scaling_factor": 1.0,
        "encoder_causal": True,
        "decoder_causal": False,
        "timestep_conditioning": timestep_conditioning,
    }


def _plain(channels: list[int], layers: list[int]) -> dict[str, Any]:
    """0.9.0: encoder and decoder mirror each other."""
    return _common(timestep_conditioning=False) | {
        "block_out_channels": channels,
        "layers_per_block": layers,
        "spatio_temporal_scaling": [True, True, True, False],
        "decoder_block_out_channels": channels,
        "decoder_layers_per_block": layers,
        "decoder_spatio_temporal_scaling": [True, True, True, False],
        "decoder_inject_noise": [False] * 5,
        "upsample_residual": [False] * 4,
        "upsample_factor": [1] * 4,
    }


def _conditioned(channels: list[int], layers: list[int], *, inject_noise: list[bool]) -> dict[str, Any]:
    """From 0.9.1: the decoder is told how noisy the latents are, and finishes denoising them."""
    return _common(timestep_conditioning=True) | {
        "decoder_block_out_channels": channels,
        "decoder_layers_per_block": layers,
        "decoder_spatio_temporal_scaling": [True] * 3,
        "decoder_inject_noise": inject_noise,
        "upsample_residual": [True] * 3,
        "upsample_factor": [2] * 3,
    }


VAE_090 = _plain([128, 256, 512, 512], [4, 3, 3, 3, 4])
VAE_091 = _conditioned([256, 512, 1024], [5, 6, 7, 8], inject_noise=[True, True, True, False]) | {
    "block_out_channels": [128, 256, 512, 512],
    "layers_per_block": [4, 3, 3, 3, 4],
    "spatio_temporal_scaling": [True, True, True, False],
}
VAE_095 = _conditioned([256, 512, 1024], [5, 5, 5, 5], inject_noise=[False] * 4) | {
    "block_out_channels": [128, 256, 512, 1024, 2048],
    "down_block_types": ["LTXVideo095DownBlock3D"] * 4,
    "downsample_type": ["spatial", "temporal", "spatiotemporal", "spatiotemporal"],
    "layers_per_block": [4, 6, 6, 2, 2],
    "spatio_temporal_scaling": [True] * 4,
    "spatial_compression_ratio": STRIDE_PX,
    "temporal_compression_ratio": STRIDE_FRAMES,
}
NANO = _common(timestep_conditioning=False) | {
    "block_out_channels": [64, 64, 64, 64],
    "layers_per_block": [1, 1, 1, 1, 1],
    "spatio_temporal_scaling": [True, True, True, False],
    "decoder_block_out_channels": [32, 64, 128],
    "decoder_layers_per_block": [1, 1, 1, 1],
    "decoder_spatio_temporal_scaling": [True, True, True],
    "decoder_inject_noise": [False] * 4,
    "upsample_residual": [False] * 3,
    "upsample_factor": [2] * 3,
}
"""The one that this package trains itself and carries: see ``nano/``."""
NANO_16PX = _common(timestep_conditioning=False) | {
    "patch_size": 8,
    "latent_channels": 160,
    "block_out_channels": [160],
    "down_block_types": ["LTXVideoDownBlock3D"],
    "downsample_type": ["conv"],
    "layers_per_block": [0, 0],
    "spatio_temporal_scaling": [True],
    "decoder_block_out_channels": [160],
    "decoder_layers_per_block": [2, 0],
    "decoder_spatio_temporal_scaling": [True],
    "decoder_inject_noise": [False] * 2,
    "upsample_residual": [False],
    "upsample_factor": [2],
    "spatial_compression_ratio": 16,
    "temporal_compression_ratio": 2,
}
"""Cells of 16 px and 2 frames in 160 channels, not of 32 px and 8 frames in 128: its round trip is to be a ceiling, see
``ceiling/``."""
FVD_VARIABLE = "FORESIGHT_FVD_VIDEOMAE"
"""Environment variable: a folder with the network that FVD compares clips by; there is no default."""
NANO_FOLDER = "package:foresight_ltx_video/weights/ltx_video_nano"
NANO_16PX_FOLDER = "package:foresight_ltx_video/weights/ltx_video_16px_nano"
NANO_16PX_PRESET = AutoencoderPreset(
    *("ltx_video_16px_nano", NANO_16PX, 6_779_873, NANO_16PX_FOLDER, "Apache-2.0"),
    size="tiny",
    weights=("nano",),
    latent_channels=160,
    stride_px=16,
    stride_frames=2,
)
"""What ``train_ceiling.py`` has trained, and this package carries."""
AUTOENCODERS = (
    AutoencoderPreset("ltx_video", VAE_090, 419_193_649, REPO, LICENSE),
    AutoencoderPreset("ltx_video_091", VAE_091, 934_976_434, "diffusers/LTX-Video-0.9.1", LICENSE),
    AutoencoderPreset("ltx_video_095", VAE_095, 1_246_913_522, "Lightricks/LTX-Video-0.9.5", LICENSE),
    AutoencoderPreset("ltx_video_097", VAE_095, 1_246_913_522, "Lightricks/LTX-Video-0.9.7-dev", LICENSE),
    AutoencoderPreset("ltx_video_tiny", _plain([8, 16, 32, 32], [1] * 5), 1_016_313, size="tiny", weights=("random",)),
    AutoencoderPreset("ltx_video_nano", NANO, 5_706_705, NANO_FOLDER, "Apache-2.0", size="tiny", weights=("nano",)),
    NANO_16PX_PRESET,
)


def _transformer(layers: int, heads: int, head_width: int, prompt_width: int = PROMPT_WIDTH) -> dict[str, Any]:
    return {
        "in_channels": LATENT_CHANNELS,
        "out_channels": LATENT_CHANNELS,
        "patch_size": 1,
        "patch_size_t": 1,
        "num_layers": layers,
        "num_attention_heads": heads,
        "attention_head_dim": head_width,
        "cross_attention_dim": heads * head_width,
        "caption_channels": prompt_width,
        "qk_norm": "rms_norm_across_heads",
        "norm_elementwise_affine": False,
        "norm_eps": 1e-6,
        "activation_fn": "gelu-approximate",
        "attention_bias": True,
        "attention_out_bias": True,
    }


SHIFTED = {
    "use_dynamic_shifting": True,
    "base_shift": 0.95,
    "max_shift": 2.05,
    "base_image_seq_len": 1024,
    "max_image_seq_len": 4096,
    "shift_terminal": 0.1,
}
"""Flow-matching schedule up to 0.9.1: noisier steps for longer videos."""
UNSHIFTED = {"use_dynamic_shifting": False}
"""Flow-matching schedule from 0.9.5."""

NANO_TRANSFORMER = TransformerPreset(
    "ltx_video_nano",
    _transformer(3, 4, 32, prompt_width=128),
    UNSHIFTED,
    1_010_048,
    NANO_FOLDER,
    "Apache-2.0",
    weights=("nano",),
)
"""What ``train_nano_transformer.py`` has trained, and this package carries."""
TRANSFORMERS = (
    TransformerPreset("ltx_video_2b", _transformer(28, 32, 64), SHIFTED, 1_923_385_472, REPO, LICENSE),
    TransformerPreset(
        "ltx_video_13b", _transformer(48, 32, 128), UNSHIFTED, 13_042_569_344, "Lightricks/LTX-Video-0.9.7-dev", LICENSE
    ),
    TransformerPreset("ltx_video_tiny", _transformer(2, 4, 8, prompt_width=64), SHIFTED, 61_408, weights=("random",)),
    NANO_TRANSFORMER,
)


@dataclass(frozen=True)
class ConditionedPreset:
    """A transformer with the autoencoder of its checkpoint: conditioning in, clips out."""

    name: str
    transformer: str
    autoencoder: str
    steps: int
    """Denoising steps."""
    size: Literal["tiny", "published"] = "published"


NANO_CONDITIONED = ConditionedPreset("ltx_video_dit_nano", "ltx_video_nano", "ltx_video_nano", steps=8, size="tiny")
CONDITIONED = (
    ConditionedPreset("ltx_video_dit_2b", "ltx_video_2b", "ltx_video", steps=50),
    ConditionedPreset("ltx_video_dit_13b", "ltx_video_13b", "ltx_video_097", steps=50),
    ConditionedPreset("ltx_video_dit_tiny", "ltx_video_tiny", "ltx_video_tiny", steps=4, size="tiny"),
    NANO_CONDITIONED,
)


def autoencoder_preset(name: str) -> AutoencoderPreset:
    """The autoencoder of that name. Raises: KeyError."""
    return {preset.name: preset for preset in AUTOENCODERS}[name]


def transformer_preset(name: str) -> TransformerPreset:
    """The transformer of that name. Raises: KeyError."""
    return {preset.name: preset for preset in TRANSFORMERS}[name]
