"""What the harness is told of each model, and of ``timm:NAME``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from foresight_harness import BuildRequest, EncoderSpec

from foresight_timm.presets import ATTENTION, FAMILY, Preset

if TYPE_CHECKING:
    from foresight_timm.encoder import TimmEncoder


def encoder_spec(preset: Preset) -> EncoderSpec:
    """What the harness is told of one model."""
    mean, std = preset.colours
    return EncoderSpec(
        name=preset.name,
        build=partial(_build, preset),
        taps=preset.taps,
        default_tap=preset.final or preset.block_names[-1],
        input_px=preset.input_px,
        fixed_input=not preset.any_side,
        family="timm",
        preprocessing={
            "resize": "squash",
            "multiple_px": preset.patch_px,
            "interpolation": preset.interpolation,
            "antialias": True,
            "mean": mean,
            "std": std,
        },
        config={"architecture": preset.architecture, "arguments": dict(preset.arguments)},
        params=preset.params,
        weights=("random", "pretrained"),
        repo=preset.repo,
        license=preset.license,
        size="tiny" if preset.arguments else "published",
        attention=ATTENTION,
    )


def family_spec() -> EncoderSpec:
    """The encoder ``timm``, which expands ``timm:NAME``."""
    return replace(encoder_spec(FAMILY), expand=_expand)


def _build(preset: Preset, request: BuildRequest) -> TimmEncoder:
    from foresight_timm.building import build

    return build(preset, request)


def _expand(argument: str) -> EncoderSpec:
    """The spec of any ViT of timm. Imports timm, so it is slow at first. Raises: CandidateError."""
    from foresight_timm.describing import describe

    return encoder_spec(describe(argument))
