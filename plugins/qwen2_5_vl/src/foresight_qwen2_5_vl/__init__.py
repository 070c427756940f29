"""Qwen2.5-VL as an encoder: its vision tower, its merger and its language model. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from foresight_harness import BuildRequest, EncoderSpec, hookimpl

from foresight_qwen2_5_vl.presets import PREPROCESSING, PRESETS, Preset
from foresight_qwen2_5_vl.taps import taps_of

if TYPE_CHECKING:
    from foresight_harness.protocols import Encoder


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """One encoder for each published size, and a tiny one of the same classes."""
    return [_spec(preset) for preset in PRESETS]


def _spec(preset: Preset) -> EncoderSpec:
    def build(request: BuildRequest) -> Encoder:
        from foresight_qwen2_5_vl.building import build_encoder

        return build_encoder(preset, request)

    return EncoderSpec(
        name=preset.name,
        build=build,
        taps=taps_of(preset.config),
        default_tap="post_merge",
        input_px=224,
        family="qwen2_5_vl",
        preprocessing=PREPROCESSING,
        config=preset.config,
        params=preset.params,
        repo=preset.repo,
        weights=("random", "pretrained") if preset.repo else ("random",),
        license=preset.license,
        size=preset.size,
        attention=("eager", "sdpa", "flash_attention_2"),
    )
