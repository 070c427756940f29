"""Qwen2.5-VL as an encoder: its vision tower, its merger and its language model. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Iterable

from foresight_harness import EncoderSpec, MetricSpec, hookimpl
from foresight_vlm_kit.consistency.offers import consistency_metrics
from foresight_vlm_kit.presets import LIBRARY_LOADING, built_by, encoder_spec

from foresight_qwen2_5_vl.presets import PREPROCESSING, PRESETS, Size
from foresight_qwen2_5_vl.taps import PROJECTED, taps_of


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """One encoder for each published size, and a tiny one of the same classes."""
    return [spec_of(preset) for preset in PRESETS]


@hookimpl
def foresight_metrics() -> Iterable[MetricSpec]:
    """Whether each size says the same of a picture and of its reconstruction; scored where a run asks for it."""
    return consistency_metrics("foresight_qwen2_5_vl.speaker", [(preset, preset.config) for preset in PRESETS])


def spec_of(preset: Size) -> EncoderSpec:
    """What the harness is told about one size."""

    return encoder_spec(
        preset,
        built_by("foresight_qwen2_5_vl.encoder", preset),
        taps=taps_of(preset.config),
        default_tap=PROJECTED,
        input_px=224,
        family="qwen2_5_vl",
        preprocessing=PREPROCESSING,
        config=preset.config,
        objective=preset.objective,
        **LIBRARY_LOADING,
    )
