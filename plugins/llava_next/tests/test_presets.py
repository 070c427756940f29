from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from foresight_harness import CandidateError, EncoderSpec
from foresight_harness.testing import assert_published_params
from foresight_llava_next import spec_of
from foresight_llava_next.presets import PRESETS, Size
from foresight_vlm_kit.counting import count

TOTALS = {
    "llava_next_tiny": 248_512,
    "llava_next_vicuna_7b": 7_063_431_168,
    "llava_next_mistral_7b": 7_566_747_648,
    "llava_next_vicuna_13b": 13_351_499_776,
    "llava_next_34b": 34_752_083_968,
}
PROJECTORS = {
    "llava_next_tiny": 6_272,
    "llava_next_vicuna_7b": 20_979_712,
    "llava_next_mistral_7b": 20_979_712,
    "llava_next_vicuna_13b": 31_467_520,
    "llava_next_34b": 58_734_592,
}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_models_have_the_published_number_of_parameters(preset: Size, whole_of: Callable[[Size], Any]) -> None:
    assert assert_published_params(spec_of(preset), lambda: whole_of(preset)) == TOTALS[preset.name]
    with torch.device("meta"):
        model = whole_of(preset).model
    assert count(model.vision_tower) == (61_376 if preset.size == "tiny" else 303_507_456)
    assert count(model.multi_modal_projector) == PROJECTORS[preset.name]
    assert model.vision_tower.config.hidden_act == "quick_gelu", "the tower is CLIP with its own activation"


def test_projector_stands_behind_the_block_that_it_reads() -> None:
    spec = spec_of(PRESETS[-1])
    names = [tap.name for tap in spec.taps]
    assert names[:2] == ["patch_embed", "block.00"]
    assert names[23:28] == ["block.22", "post_projector", "block.23", "llm.01", "llm.02"]
    assert names[-1] == "llm.60"
    assert [(spec.tap(n).width, spec.tap(n).stride_px) for n in ("block.23", "post_projector", "llm.30")] == [
        (1024, 14),
        (7168, 14),
        (7168, 14),
    ]


def test_tiles_are_an_encoder_of_their_own_name_with_the_same_taps(spec: EncoderSpec, hires: EncoderSpec) -> None:
    assert hires.name == "llava_next_tiny:hires"
    assert hires.taps == spec.taps
    assert hires.preprocessing != spec.preprocessing
    assert (spec.input_px, hires.input_px) == (224, 448)
    assert hires.expand is None


def test_unknown_view_is_refused(spec: EncoderSpec) -> None:
    assert spec.expand is not None
    with pytest.raises(CandidateError, match=r"llava_next_tiny:big is not on offer; llava_next_tiny:hires reads"):
        spec.expand("big")
