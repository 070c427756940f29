"""Sizes of DINOv2 as data: configurations, parameter counts, Hub ids; and two tiny ones of the same classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from foresight_harness import PublishedWeights
from foresight_harness.contracts.specs.models import WeightsKind

from foresight_dinov2 import published, saliency

PATCH_PX = 14
TRAINED_PX = 518
"""Side of the pictures of the last training phase: 37x37 position embeddings."""
INPUT_PX = 224
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
PREPROCESSING: dict[str, Any] = {
    "resize": "shorter_side",
    "crop": "none",
    "multiple_px": PATCH_PX,
    "interpolation": "bicubic",
    "antialias": True,
    "mean": MEAN,
    "std": STD,
}
"""The published processor resizes to 256 px and cuts the central 224 px out, which loses what stands at the border."""

ATTENTION = ("eager", "sdpa", "flash_attention_2")


@dataclass(frozen=True)
class Size:
    """One configuration of the family."""

    name: str
    width: int
    blocks: int
    heads: int
    params: int
    registers: int = 0
    swiglu: bool = False
    repo: str | None = None
    license: str = published.LICENSE
    weights: tuple[WeightsKind, ...] = ("random", "pretrained")
    objective: str | None = None
    """See ``EncoderSpec.objective``."""

    @property
    def published(self) -> PublishedWeights | None:
        """Its files with their hashes, as far as anybody says."""
        if self.name == saliency.NAME:
            return saliency.published_saliency(self.config)
        return published.HUB.get(self.name)

    @property
    def commit(self) -> str | None:
        """Of the Hub, where it is pinned."""
        return self.published.commit if self.published else None

    @property
    def config(self) -> dict[str, Any]:
        """Arguments of ``Dinov2Config`` or ``Dinov2WithRegistersConfig``.

        Side and patch are explicit: the classes' own defaults are 224 px for one and a patch of 16 for the other.
        """
        config: dict[str, Any] = {
            "model_type": "dinov2_with_registers" if self.registers else "dinov2",
            "hidden_size": self.width,
            "num_hidden_layers": self.blocks,
            "num_attention_heads": self.heads,
            "mlp_ratio": 4,
            "use_swiglu_ffn": self.swiglu,
            "image_size": TRAINED_PX,
            "patch_size": PATCH_PX,
            "qkv_bias": True,
            "layerscale_value": 1.0,
            "layer_norm_eps": 1e-6,
        }
        if self.registers:
            config["num_register_tokens"] = self.registers
        return config


_PLAIN = "facebook/dinov2-"
_WITH_REGISTERS = "facebook/dinov2-with-registers-"

SIZES = (
    Size("dinov2_tiny", 64, 4, 4, 326_080),
    Size("dinov2_tiny_reg", 48, 4, 4, 208_144, registers=4, swiglu=True),
    Size("dinov2_small", 384, 12, 6, 22_056_576, repo=_PLAIN + "small"),
    Size("dinov2_base", 768, 12, 12, 86_580_480, repo=_PLAIN + "base"),
    Size("dinov2_large", 1024, 24, 16, 304_368_640, repo=_PLAIN + "large"),
    Size("dinov2_giant", 1536, 40, 24, 1_136_480_768, swiglu=True, repo=_PLAIN + "giant"),
    Size("dinov2_small_reg", 384, 12, 6, 22_058_112, registers=4, repo=_WITH_REGISTERS + "small"),
    Size("dinov2_base_reg", 768, 12, 12, 86_583_552, registers=4, repo=_WITH_REGISTERS + "base"),
    Size("dinov2_large_reg", 1024, 24, 16, 304_372_736, registers=4, repo=_WITH_REGISTERS + "large"),
    Size("dinov2_giant_reg", 1536, 40, 24, 1_136_486_912, registers=4, swiglu=True, repo=_WITH_REGISTERS + "giant"),
)

SALIENCY = Size(saliency.NAME, 384, 12, 6, 22_056_576, repo=f"fetched:{saliency.NAME}", license=saliency.LICENSE)
"""A fine-tuned DINOv2-S: the same architecture, other weights, a name of its own."""

NANO = Size(
    "dinov2_nano",
    64,
    4,
    4,
    326_080,
    repo="package:foresight_dinov2/weights/dinov2_nano",
    weights=("nano", "random"),
    objective="paint hidden patches",
)
"""What ``train_nano`` has trained, and this package carries; random weights of seed 0 are its exact start."""
