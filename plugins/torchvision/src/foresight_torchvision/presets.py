"""Convolutional networks as data: taps, sides, colours and where their weights are published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from foresight_harness import PublishedWeights, TapSpec
from foresight_harness.parts.weights.checkpoint import FETCHED
from foresight_harness.parts.weights.lpips_trunks import LPIPS_TRUNKS

from foresight_torchvision.published import LICENSE, published_weights

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
ATTENTION = ("eager",)


@dataclass(frozen=True)
class Preset:
    """One network and where it is read."""

    name: str
    architecture: str
    """``torchvision.models.NAME``."""
    taps: tuple[TapSpec, ...]
    """Shallow to deep."""
    nodes: tuple[str, ...]
    """Of each tap, the module or operation of the network whose output it is."""
    default_tap: str
    input_px: int
    params: int
    """Up to the deepest tap."""
    step_px: int
    """Sides are multiples of it."""
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    colours: tuple[tuple[float, float, float], tuple[float, float, float]] = (MEAN, STD)
    repo: str | None = None
    """Of presets whose weights are their trunk alone: then only that is built."""
    published: PublishedWeights | None = None
    license: str | None = None


TRUNK = LPIPS_TRUNKS["alex"]

ALEXNET = Preset(
    name="alexnet",
    architecture="alexnet",
    taps=(
        TapSpec("relu1", 64, 4, margin_px=3),
        TapSpec("relu2", 192, 8, margin_px=7),
        TapSpec("relu3", 384, 16, margin_px=15),
        TapSpec("relu4", 256, 16, margin_px=15),
        TapSpec("relu5", 256, 16, margin_px=15),
    ),
    nodes=("1", "4", "7", "9", "11"),
    default_tap="relu3",
    input_px=224,
    params=2_469_696,
    step_px=16,
    repo=f"{FETCHED}{TRUNK.name}",
    published=TRUNK,
    license=TRUNK.license,
)
"""The trunk of LPIPS, read at the five places that LPIPS reads. Its windows are not padded up to the border, so that
grids at 224 px have 55, 27 and 13 cells a side."""


FAMILY = Preset(
    name="torchvision",
    architecture="resnet50",
    taps=(
        TapSpec("relu", 64, 2),
        TapSpec("layer1", 256, 4),
        TapSpec("layer2", 512, 8),
        TapSpec("layer3", 1024, 16),
        TapSpec("layer4", 2048, 32),
    ),
    nodes=("relu", "layer1", "layer2", "layer3", "layer4"),
    default_tap="layer3",
    input_px=224,
    params=23_508_032,
    step_px=32,
    published=published_weights("resnet50", "resnet50-11ad3fa6.pth"),
    license=LICENSE,
)
"""What ``torchvision`` alone means."""
