from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy

import pytest
from foresight_harness import BuildRequest, CandidateError, EncoderSpec
from foresight_harness.testing import assert_published_params
from foresight_llava_next import foresight_encoders
from foresight_llava_next.presets import PRESETS, preset

TOTALS = {
    "llava_next_tiny": 248_512,
    "llava_next_vicuna_7b": 7_063_431_168,
    "llava_next_mistral_7b": 7_566_747_648,
    "llava_next_34b": 34_752_083_968,
}
PROJECTORS = {"llava_next_vicuna_7b": 20_979_712, "llava_next_mistral_7b": 20_979_712, "llava_next_34b": 58_734_592}


def test_importing_the_plugin_and_listing_it_imports_no_torch() -> None:
    code = (
        "import sys, foresight_llava_next as p; [s.expand('hires') for s in p.foresight_encoders()]; "
        "print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", TOTALS)
def test_whole_model_has_the_published_number_of_parameters(name: str) -> None:
    from foresight_llava_next.building import preset_config
    from transformers.models.llava_next.modeling_llava_next import LlavaNextForConditionalGeneration

    spec = {one.name: one for one in foresight_encoders()}[name]
    counted = assert_published_params(
        spec, lambda: LlavaNextForConditionalGeneration(preset_config(preset(name).config))
    )
    assert counted == TOTALS[name]


@pytest.mark.parametrize("name", PROJECTORS)
def test_tower_and_projector_have_the_published_number_of_parameters(name: str) -> None:
    from foresight_llava_next.building import count_params, preset_config
    from transformers.models.clip.modeling_clip import CLIPVisionModel
    from transformers.models.llava_next.modeling_llava_next import LlavaNextMultiModalProjector

    config = preset_config(preset(name).config)
    assert count_params(CLIPVisionModel, config.vision_config) == 303_507_456
    assert count_params(LlavaNextMultiModalProjector, config) == PROJECTORS[name]


def test_tower_is_clip_with_its_own_activation() -> None:
    from foresight_llava_next.building import preset_config

    vision = preset_config(preset("llava_next_34b").config).vision_config
    assert getattr(vision, "hidden_act", None) == "quick_gelu"


def test_published_sizes_name_repository_and_licence() -> None:
    published = [one for one in PRESETS if one.size == "published"]
    assert [one.repo for one in published] == [
        f"llava-hf/llava-v1.6-{size}-hf" for size in ("vicuna-7b", "mistral-7b", "34b")
    ]
    assert all(one.license for one in published)


def test_projector_stands_behind_the_block_that_it_reads() -> None:
    spec = {one.name: one for one in foresight_encoders()}["llava_next_34b"]
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


def test_building_leaves_the_preset_as_published(spec: EncoderSpec) -> None:
    before = json.dumps(deepcopy(dict(spec.config)))
    spec.build(BuildRequest(attention="eager"))
    assert json.dumps(dict(preset("llava_next_tiny").config)) == before
