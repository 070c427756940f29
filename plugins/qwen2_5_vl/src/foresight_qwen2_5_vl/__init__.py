"""Qwen2.5-VL as an encoder: its vision tower, its merger and its language model. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Iterable

from foresight_harness import BuildRequest, EncoderSpec, hookimpl
from foresight_harness.protocols import Encoder
from foresight_vlm_kit.presets import encoder_spec

from foresight_qwen2_5_vl.presets import PREPROCESSING, PRESETS, Size
from foresight_qwen2_5_vl.taps import PROJECTED, taps_of


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """One encoder for each published size, and a tiny one of the same classes."""
    return [spec_of(preset) for preset in PRESETS]


def spec_of(preset: Size) -> EncoderSpec:
    """What the harness is told about one size."""

    def build(request: BuildRequest) -> Encoder:
        from foresight_qwen2_5_vl.encoder import build_encoder

        return build_encoder(preset, request)

    return encoder_spec(
        preset,
        build,
        taps=taps_of(preset.config),
        default_tap=PROJECTED,
        input_px=224,
        family="qwen2_5_vl",
        preprocessing=PREPROCESSING,
        config=preset.config,
        objective=preset.objective,
    )
