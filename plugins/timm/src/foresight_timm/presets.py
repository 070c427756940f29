"""Chosen models as data: what a spec says is known without importing timm, and tested against timm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from foresight_harness import TapSpec

Colours = tuple[float, float, float]
IMAGENET: tuple[Colours, Colours] = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALF: tuple[Colours, Colours] = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
CLIP: tuple[Colours, Colours] = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
ATTENTION = ("eager", "sdpa")


@dataclass(frozen=True)
class Preset:
    """One model of timm, with everything that its spec states."""

    name: str
    """Name of the encoder."""
    architecture: str
    """timm's name, with the tag of its weights."""
    input_px: int
    patch_px: int
    width: int
    blocks: int
    params: int
    final: Literal["last", "neck"] | None = "last"
    """What follows the blocks: a norm, SAM's neck, or nothing that acts on single tokens."""
    final_width: int | None = None
    """Width behind the neck."""
    colours: tuple[Colours, Colours] = IMAGENET
    """Mean and standard deviation."""
    interpolation: str = "bicubic"
    repo: str | None = None
    license: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Changes to timm's own arguments: only the tiny ones have any."""
    any_side: bool = True
    """False where only ``input_px`` is read."""

    @property
    def block_names(self) -> tuple[str, ...]:
        """``block.00`` ..."""
        return tuple(f"block.{index:02d}" for index in range(self.blocks))

    @property
    def taps(self) -> tuple[TapSpec, ...]:
        """Patch embedding (before positions), every block's output, and what follows them."""
        names = ("patch_embed", *self.block_names)
        taps = tuple(TapSpec(name, self.width, self.patch_px) for name in names)
        if self.final is None:
            return taps
        return (*taps, TapSpec(self.final, self.final_width or self.width, self.patch_px, normed=True))


_EVA02_L = "eva02_large_patch14_448.mim_m38m_ft_in22k_in1k"
_SIGLIP = "vit_so400m_patch14_siglip_378.webli"

_TINY: dict[str, Any] = {"embed_dim": 64, "depth": 4, "num_heads": 4}

PRESETS = (
    Preset(
        "sam_tiny",
        "samvit_base_patch16",
        256,
        16,
        64,
        4,
        279_488,
        final="neck",
        final_width=32,
        any_side=False,
        arguments={**_TINY, "img_size": 256, "window_size": 5, "global_attn_indexes": [1, 3], "neck_chans": 32},
    ),
    Preset("siglip_tiny", "vit_so400m_patch14_siglip_224", 224, 14, 64, 4, 293_099, colours=HALF, arguments=_TINY),
    Preset("eva02_tiny", "eva02_large_patch14_448", 224, 14, 64, 4, 255_200, final=None, colours=CLIP, arguments=_TINY),
    Preset("mae_tiny", "vit_base_patch16_224", 224, 16, 64, 4, 261_952, arguments=_TINY),
    Preset(
        "sam_b",
        "samvit_base_patch16.sa1b",
        1024,
        16,
        768,
        12,
        89_670_912,
        final="neck",
        final_width=256,
        any_side=False,
        repo="timm/samvit_base_patch16.sa1b",
        license="apache-2.0",
    ),
    Preset(
        "sam_l",
        "samvit_large_patch16.sa1b",
        1024,
        16,
        1024,
        24,
        308_278_272,
        final="neck",
        final_width=256,
        any_side=False,
        repo="timm/samvit_large_patch16.sa1b",
        license="apache-2.0",
    ),
    Preset(
        "sam_h",
        "samvit_huge_patch16.sa1b",
        1024,
        16,
        1280,
        32,
        637_026_048,
        final="neck",
        final_width=256,
        any_side=False,
        repo="timm/samvit_huge_patch16.sa1b",
        license="apache-2.0",
    ),
    Preset(
        "siglip_so400m",
        _SIGLIP,
        378,
        14,
        1152,
        27,
        428_225_600,
        colours=HALF,
        repo=f"timm/{_SIGLIP}",
        license="apache-2.0",
    ),
    Preset(
        "eva_clip_g",
        "eva_giant_patch14_clip_224.laion400m",
        224,
        14,
        1408,
        40,
        1_011_146_112,
        colours=CLIP,
        repo="timm/eva_giant_patch14_clip_224.laion400m",
        license="mit",
    ),
    Preset(
        "eva02_l",
        _EVA02_L,
        448,
        14,
        1024,
        24,
        304_055_232,
        final=None,
        colours=CLIP,
        repo=f"timm/{_EVA02_L}",
        license="mit",
    ),
    Preset(
        "mae_b",
        "vit_base_patch16_224.mae",
        224,
        16,
        768,
        12,
        85_798_656,
        repo="timm/vit_base_patch16_224.mae",
        license="cc-by-nc-4.0",
    ),
    Preset(
        "mae_l",
        "vit_large_patch16_224.mae",
        224,
        16,
        1024,
        24,
        303_301_632,
        repo="timm/vit_large_patch16_224.mae",
        license="cc-by-nc-4.0",
    ),
    Preset(
        "mae_h",
        "vit_huge_patch14_224.mae",
        224,
        14,
        1280,
        32,
        630_764_800,
        repo="timm/vit_huge_patch14_224.mae",
        license="cc-by-nc-4.0",
    ),
)

_DEFAULT = "vit_base_patch16_224.augreg2_in21k_ft_in1k"
FAMILY = Preset(
    "timm", _DEFAULT, 224, 16, 768, 12, 85_798_656, colours=HALF, repo=f"timm/{_DEFAULT}", license="apache-2.0"
)
"""What ``timm`` alone means: timm's own default weights of ViT-B/16."""
