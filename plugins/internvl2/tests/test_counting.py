"""Parameter counts of the published sizes, to the digit, on the meta device."""

from __future__ import annotations

import pytest
import torch
from foresight_internvl2.counting import count_params
from foresight_internvl2.modules import count, language_on_meta, native_config, vision_on_meta
from foresight_internvl2.presets import PRESETS, Preset


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_the_whole_native_model_has_the_published_count(preset: Preset) -> None:
    from transformers import InternVLForConditionalGeneration

    with torch.device("meta"):
        model = InternVLForConditionalGeneration(native_config(preset.architecture))
    assert count(model) == preset.params
    assert count(model.model.vision_tower) == preset.tower_params
    assert count(model.model.multi_modal_projector) == preset.projector_params
    assert model.lm_head.weight is not model.model.language_model.embed_tokens.weight


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_arithmetic_agrees_with_the_modules(preset: Preset) -> None:
    params = count_params(preset.architecture)
    assert (params.tower, params.projector, params.total) == (
        preset.tower_params,
        preset.projector_params,
        preset.params,
    )


def test_the_parts_that_the_encoder_builds_are_those_of_the_whole_model() -> None:
    architecture = PRESETS[3].architecture
    assert count(vision_on_meta(architecture, "sdpa")) == 304_012_288 + 33_570_816
    layer = count(language_on_meta(architecture, 2, "sdpa")) - count(language_on_meta(architecture, 1, "sdpa"))
    assert layer == 4096 * (4096 + 1024 + 1024 + 4096) + 3 * 4096 * 14336 + 2 * 4096


def test_a_vocabulary_of_64009_adds_nine_rows_to_embeddings_and_head() -> None:
    from dataclasses import replace

    architecture = PRESETS[-1].architecture
    wider = replace(architecture, text={**architecture.text, "vocab_size": 64009})
    assert count_params(wider).total - count_params(architecture).total == 2 * 9 * 7168
