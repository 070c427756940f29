"""Published configurations of HunyuanVideo's autoencoders as data. No torch here.

Source: ``vae/config.json`` of the named Hub repository of the first, which equals the library's defaults; of 1.5 those
defaults, whose parameters are as many as the published file of 5.04 GB of float32 holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

FIRST, SECOND = "AutoencoderKLHunyuanVideo", "AutoencoderKLHunyuanVideo15"
"""The library's classes, of HunyuanVideo and of HunyuanVideo-1.5."""


@dataclass(frozen=True)
class Preset:
    """One size of the autoencoder."""

    name: str
    config: Mapping[str, Any]
    """Arguments of the class; JSON types only."""
    params: int
    repo: str | None = None
    license: str | None = None
    size: Literal["tiny", "published"] = "published"
    class_name: str = FIRST

    @property
    def latent_channels(self) -> int:
        """Width of a latent cell."""
        return int(self.config["latent_channels"])

    @property
    def stride_px(self) -> int:
        """Pixels a latent cell, along rows and along columns."""
        return int(self.config["spatial_compression_ratio"])

    @property
    def stride_frames(self) -> int:
        """Frames a latent slot; the first frame has one of its own."""
        return int(self.config["temporal_compression_ratio"])


def _config(channels: list[int], layers: int, groups: int) -> dict[str, Any]:
    return {
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": 16,
        "block_out_channels": channels,
        "layers_per_block": layers,
        "norm_num_groups": groups,
        "act_fn": "silu",
        "scaling_factor": 0.476986,
        "spatial_compression_ratio": 8,
        "temporal_compression_ratio": 4,
        "mid_block_add_attention": True,
    }


def _config_15(channels: list[int], layers: int) -> dict[str, Any]:
    return {
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": 32,
        "block_out_channels": channels,
        "layers_per_block": layers,
        "spatial_compression_ratio": 16,
        "temporal_compression_ratio": 4,
        "downsample_match_channel": True,
        "upsample_match_channel": True,
        "scaling_factor": 1.03682,
    }


PRESETS = (
    Preset(
        "hunyuan_vae",
        _config([128, 256, 512, 512], layers=2, groups=32),
        246_478_803,
        "hunyuanvideo-community/HunyuanVideo",
        "Tencent Hunyuan Community License",
    ),
    Preset("hunyuan_vae_tiny", _config([8, 8, 8, 8], layers=1, groups=4), 80_163, size="tiny"),
    Preset(
        "hunyuan_vae_15",
        _config_15([128, 256, 512, 1024, 1024], layers=2),
        1_260_634_115,
        "hunyuanvideo-community/HunyuanVideo-1.5-480p_t2v",
        "Tencent Hunyuan Community License",
        class_name=SECOND,
    ),
    Preset("hunyuan_vae_15_tiny", _config_15([8, 8, 16, 64, 64], layers=1), 3_623_753, size="tiny", class_name=SECOND),
)


def preset(name: str) -> Preset:
    """The size of that name. Raises: KeyError."""
    return {entry.name: entry for entry in PRESETS}[name]
