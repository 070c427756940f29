"""Published configuration of HunyuanVideo's autoencoder as data. No torch here.

Source: ``vae/config.json`` of the named Hub repository, which equals the library's defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

LATENT_CHANNELS = 16
STRIDE_PX = 8
STRIDE_FRAMES = 4


@dataclass(frozen=True)
class Preset:
    """One size of the autoencoder."""

    name: str
    config: Mapping[str, Any]
    """Arguments of ``AutoencoderKLHunyuanVideo``; JSON types only."""
    params: int
    repo: str | None = None
    license: str | None = None
    size: Literal["tiny", "published"] = "published"


def _config(channels: list[int], layers: int, groups: int) -> dict[str, Any]:
    return {
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": LATENT_CHANNELS,
        "block_out_channels": channels,
        "layers_per_block": layers,
        "norm_num_groups": groups,
        "act_fn": "silu",
        "scaling_factor": 0.476986,
        "spatial_compression_ratio": STRIDE_PX,
        "temporal_compression_ratio": STRIDE_FRAMES,
        "mid_block_add_attention": True,
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
)


def preset(name: str) -> Preset:
    """The size of that name. Raises: KeyError."""
    return {entry.name: entry for entry in PRESETS}[name]
