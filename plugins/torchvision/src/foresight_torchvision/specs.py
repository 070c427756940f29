"""What the harness is told of each network, and of ``torchvision:NAME``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from foresight_harness import BuildRequest, EncoderSpec

from foresight_torchvision.presets import ATTENTION, Preset

if TYPE_CHECKING:
    from foresight_torchvision.encoder import TorchvisionEncoder


TOLERANCE_CELLS = 1.5
"""Strided convolutions and pools that are padded unevenly or not at all do not centre their cells."""


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
            "multiple_px": preset.step_px,
            "interpolation": preset.interpolation,
            "antialias": True,
            "mean": mean,
            "std": std,
        },
        config={"architecture": preset.architecture, "nodes": list(preset.nodes)},
        params=preset.params,
        weights=("random", "pretrained"),
        repo=preset.repo,
        published=preset.published,
        license=preset.license,
        attention=ATTENTION,
        tolerance_cells=TOLERANCE_CELLS,
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
