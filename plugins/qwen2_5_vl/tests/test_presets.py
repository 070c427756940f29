from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy

import pytest
from foresight_harness import BuildRequest
from foresight_harness.testing import assert_published_params
from foresight_qwen2_5_vl import foresight_encoders
from foresight_qwen2_5_vl.presets import PRESETS, PROMPT_IDS, preset

TOWERS = {
    "qwen2_5_vl_tiny": 104_800,
    "qwen2_5_vl_3b": 668_684_288,
    "qwen2_5_vl_7b": 676_550_144,
    "qwen2_5_vl_72b": 704_573_696,
}
TOTALS = {
    "qwen2_5_vl_tiny": 286_112,
    "qwen2_5_vl_3b": 3_754_622_976,
    "qwen2_5_vl_7b": 8_292_166_656,
    "qwen2_5_vl_72b": 73_410_777_344,
}


def test_importing_the_plugin_and_listing_it_imports_no_torch() -> None:
    code = (
        "import sys, foresight_qwen2_5_vl as p; list(p.foresight_encoders()); "
        "print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", TOTALS)
def test_whole_model_has_the_published_number_of_parameters(name: str) -> None:
    from foresight_qwen2_5_vl.building import preset_config
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLForConditionalGeneration

    spec = {one.name: one for one in foresight_encoders()}[name]
    counted = assert_published_params(
        spec, lambda: Qwen2_5_VLForConditionalGeneration(preset_config(preset(name).config))
    )
    assert counted == TOTALS[name]


@pytest.mark.parametrize("name", TOWERS)
def test_tower_has_the_published_number_of_parameters(name: str) -> None:
    from foresight_qwen2_5_vl.building import count_params, preset_config
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VisionTransformerPretrainedModel

    config = preset_config(preset(name).config).vision_config
    assert count_params(Qwen2_5_VisionTransformerPretrainedModel, config) == TOWERS[name]


def test_published_sizes_name_repository_and_licence() -> None:
    published = [one for one in PRESETS if one.size == "published"]
    assert [one.repo for one in published] == [f"Qwen/Qwen2.5-VL-{size}-Instruct" for size in ("3B", "7B", "72B")]
    assert all(one.license for one in published)


def test_taps_of_the_7b_run_from_patches_to_the_last_llm_block() -> None:
    spec = {one.name: one for one in foresight_encoders()}["qwen2_5_vl_7b"]
    names = [tap.name for tap in spec.taps]
    assert names[:2] == ["patch_embed", "block.00"]
    assert names[32:37] == ["block.31", "pre_merge", "post_merge", "llm.01", "llm.02"]
    assert names[-1] == "llm.28"
    assert [(spec.tap(n).width, spec.tap(n).stride_px) for n in ("pre_merge", "post_merge", "llm.14")] == [
        (1280, 14),
        (3584, 28),
        (3584, 28),
    ]


def test_prompt_ends_where_vision_begins() -> None:
    for one in PRESETS:
        assert one.prompt_ids[-1] == one.config["vision_start_token_id"]
        assert len(one.prompt_ids) == len(PROMPT_IDS)
        assert max(one.prompt_ids) < one.config["vocab_size"]


def test_building_leaves_the_preset_as_published() -> None:
    before = json.dumps(deepcopy(dict(preset("qwen2_5_vl_tiny").config)))
    spec = {one.name: one for one in foresight_encoders()}["qwen2_5_vl_tiny"]
    spec.build(BuildRequest(attention="eager"))
    assert json.dumps(dict(preset("qwen2_5_vl_tiny").config)) == before
