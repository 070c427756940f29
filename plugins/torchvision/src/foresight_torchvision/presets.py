"""Convolutional networks as data: taps, sides, colours and where their weights are published."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from foresight_harness import BuildRequest, EncoderSpec, PublishedFile, PublishedWeights, TapSpec
from foresight_harness.parts.weights.lpips_trunks import LPIPS_TRUNKS
from foresight_harness.weights import FETCHED

if TYPE_CHECKING:
    from foresight_torchvision.encoder import TorchvisionEncoder

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
ATTENTION = ("eager",)
LICENSE = "BSD-3-Clause (torchvision's weights; the terms of ImageNet apply to what they were trained on)"

HASHES = {
    "alexnet-owt-7be5be79.pth": "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
    "vgg16-397923af.pth": "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
}
"""Whole sha256 of files of torchvision, each found in two public sources; of the others the first digits stand in the
name."""


@dataclass(frozen=True)
class Preset:
    """One network and where it is read."""

    name: str
    architecture: str
    """``torchvision.models.NAME``, or ``vgg`` built from ``arguments``."""
    taps: tuple[TapSpec, ...]
    """Shallow to deep."""
    nodes: tuple[str, ...]
    """Of each tap, the module or operation of the network whose output it is."""
    default_tap: str
    input_px: int
    params: int
    """Up to the deepest tap."""
    step_px: int
    """Sides are ``k * step_px + rest_px``: then every tap has as many cells as its stride fits into the side."""
    rest_px: int = 0
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    colours: tuple[tuple[float, float, float], tuple[float, float, float]] = (MEAN, STD)
    arguments: dict[str, Any] = field(default_factory=dict)
    """Of a tiny configuration."""
    repo: str | None = None
    published: PublishedWeights | None = None
    license: str | None = None


VGG_TINY = Preset(
    name="vgg_tiny",
    architecture="vgg",
    taps=(
        TapSpec("pool1", 16, 2),
        TapSpec("pool2", 32, 4),
        TapSpec("pool3", 64, 8),
        TapSpec("pool4", 96, 16),
    ),
    nodes=("2", "5", "8", "11"),
    default_tap="pool3",
    input_px=128,
    params=78_976,
    step_px=16,
    arguments={"channels": (16, "M", 32, "M", 64, "M", 96, "M")},
)
"""The real class at a small size."""

ALEXNET = Preset(
    name="alexnet",
    architecture="alexnet",
    taps=(
        TapSpec("relu1", 64, 4),
        TapSpec("relu2", 192, 8),
        TapSpec("relu3", 384, 16),
        TapSpec("relu4", 256, 16),
        TapSpec("relu5", 256, 16),
    ),
    nodes=("1", "4", "7", "9", "11"),
    default_tap="relu3",
    input_px=223,
    params=2_469_696,
    step_px=16,
    rest_px=15,
    repo=f"{FETCHED}{LPIPS_TRUNKS['alex'].name}",
    published=LPIPS_TRUNKS["alex"],
    license=LPIPS_TRUNKS["alex"].license,
)
"""The trunk of LPIPS, read at the five places that LPIPS reads. At 223 px its grids (55, 27, 13) are those at 224, and
lie evenly about the middle of the picture."""


def published_weights(model: str, file: str, size: int | None = None) -> PublishedWeights:
    """What torchvision publishes of a model: one file, whose name carries the start of its sha256."""
    entry = PublishedFile(file, HASHES.get(file, ""), size)
    return PublishedWeights(
        f"torchvision:{model}", "torchvision", LICENSE, (entry,), address=partial(_address, model, file)
    )


def _address(model: str, file: str) -> str:
    """torchvision knows where its files lie. Raises: CheckpointError where this version publishes another file."""
    from foresight_torchvision.describing import address_of

    return address_of(model, file)


FAMILY = Preset(
    name="torchvision",
    architecture="resnet50",
    taps=(
        TapSpec("layer1", 256, 4),
        TapSpec("layer2", 512, 8),
        TapSpec("layer3", 1024, 16),
        TapSpec("layer4", 2048, 32),
    ),
    nodes=("layer1", "layer2", "layer3", "layer4"),
    default_tap="layer3",
    input_px=224,
    params=23_508_032,
    step_px=32,
    published=published_weights("resnet50", "resnet50-11ad3fa6.pth"),
    license=LICENSE,
)
"""What ``torchvision`` alone means."""


def encoder_spec(preset: Preset) -> EncoderSpec:
    """What the harness is told of one network."""
    mean, std = preset.colours
    return EncoderSpec(
        name=preset.name,
        build=partial(_build, preset),
        taps=preset.taps,
        default_tap=preset.default_tap,
        input_px=preset.input_px,
        family="torchvision",
        preprocessing={
            "resize": "shorter_side",
            "crop": "none",
            "step_px": preset.step_px,
            "rest_px": preset.rest_px,
            "interpolation": preset.interpolation,
            "antialias": True,
            "mean": mean,
            "std": std,
        },
        config={"architecture": preset.architecture, "nodes": list(preset.nodes), "arguments": dict(preset.arguments)},
        params=preset.params,
        weights=("random",) if preset.arguments else ("random", "pretrained"),
        repo=preset.repo,
        published=preset.published,
        license=preset.license,
        size="tiny" if preset.arguments else "published",
        attention=ATTENTION,
    )


def family_spec(preset: Preset) -> EncoderSpec:
    """The encoder ``torchvision``, which expands ``torchvision:NAME``."""
    return replace(encoder_spec(preset), expand=_expand)


def _build(preset: Preset, request: BuildRequest) -> TorchvisionEncoder:
    from foresight_torchvision.building import build

    return build(preset, request)


def _expand(argument: str) -> EncoderSpec:
    """The spec of any network of torchvision. Imports torchvision, so it is slow at first. Raises: CandidateError."""
    from foresight_torchvision.describing import describe

    return encoder_spec(describe(argument))
