from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from foresight_harness.testing import assert_published_params
from foresight_qwen2_5_vl import spec_of
from foresight_qwen2_5_vl.presets import NANO, PRESETS, PROMPT_IDS, Size
from foresight_vlm_kit.counting import count

TOWERS = {
    "qwen2_5_vl_tiny": 104_800,
    "qwen2_5_vl_3b": 668_684_288,
    "qwen2_5_vl_7b": 676_550_144,
    "qwen2_5_vl_32b": 688_841_984,
    "qwen2_5_vl_72b": 704_573_696,
    **{preset.name: 324_224 for preset in NANO},
}
TOTALS = {
    "qwen2_5_vl_tiny": 286_112,
    "qwen2_5_vl_3b": 3_754_622_976,
    "qwen2_5_vl_7b": 8_292_166_656,
    "qwen2_5_vl_32b": 33_452_718_336,
    "qwen2_5_vl_72b": 73_410_777_344,
    **{preset.name: 505_536 for preset in NANO},
}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_models_have_the_published_number_of_parameters(preset: Size, whole_of: Callable[[Size], Any]) -> None:
    assert assert_published_params(spec_of(preset), lambda: whole_of(preset)) == TOTALS[preset.name]
    with torch.device("meta"):
        assert count(whole_of(preset).model.visual) == TOWERS[preset.name]


def test_taps_of_the_7b_run_from_patches_to_the_last_llm_block() -> None:
    spec = spec_of(PRESETS[2])
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
        assert len(one.prompt_ids) == (1 if one in NANO else len(PROMPT_IDS))
        assert max(one.prompt_ids) < one.config["vocab_size"]
