"""Parameter counts of the published sizes, to the digit, on the meta device."""

from __future__ import annotations

import pytest
import torch
from foresight_internvl2.blueprint import InternVL2Blueprint
from foresight_internvl2.presets import PRESETS, Size
from foresight_vlm_kit.counting import count, count_on_meta

PARTS = {
    "internvl2_tiny": (188_608, 34_496),
    "internvl2_1b": (304_012_288, 4_482_816),
    "internvl2_2b": (304_012_288, 12_595_200),
    "internvl2_8b": (304_012_288, 33_570_816),
    "internvl2_8b_mpo": (304_012_288, 33_570_816),
    "internvl2_26b": (5_536_496_000, 116_429_824),
    "internvl2_40b": (5_536_496_000, 143_170_560),
}
"""Tower and projector."""


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_the_whole_native_model_has_the_published_count(preset: Size) -> None:
    with torch.device("meta"):
        whole = InternVL2Blueprint("internvl", preset.architecture).whole()
    assert count(whole) == preset.params
    parts = (whole.get_submodule("model.vision_tower"), whole.get_submodule("model.multi_modal_projector"))
    assert tuple(map(count, parts)) == PARTS[preset.name]
    assert whole.get_parameter("lm_head.weight") is not whole.get_parameter("model.language_model.embed_tokens.weight")


def test_the_parts_that_the_encoder_builds_are_those_of_the_whole_model() -> None:
    blueprint = InternVL2Blueprint("internvl", PRESETS[3].architecture)
    assert count_on_meta(lambda: blueprint.vision("sdpa")) == sum(PARTS[PRESETS[3].name])
    two, one = (count_on_meta(lambda blocks=blocks: blueprint.language(blocks, "sdpa")) for blocks in (2, 1))  # type: ignore[misc]
    assert two - one == 4096 * (4096 + 1024 + 1024 + 4096) + 3 * 4096 * 14336 + 2 * 4096
