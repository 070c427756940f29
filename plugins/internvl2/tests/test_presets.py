"""What is on offer."""

from __future__ import annotations

import pytest
from foresight_harness import BuildRequest, EncoderSpec, UsageError
from foresight_internvl2 import spec_of
from foresight_internvl2.presets import PRESETS


def test_the_8b_model_has_the_300m_tower_and_32_layers() -> None:
    spec = spec_of(PRESETS[3])
    taps = [tap.name for tap in spec.taps]
    assert taps[0] == "patch_embed"
    assert taps[1:25] == [f"block.{index:02d}" for index in range(24)]
    assert taps[25:27] == ["pre_shuffle", "post_projector"]
    assert taps[27:] == [f"llm.{depth:02d}" for depth in range(1, 33)]
    assert (spec.tap("pre_shuffle").width, spec.tap("pre_shuffle").stride_px) == (1024, 14)
    assert (spec.tap("llm.14").width, spec.tap("llm.14").stride_px) == (4096, 28)
    assert not any(tap.normed for tap in spec.taps)


def test_the_declared_preprocessing_is_imagenets_on_one_squashed_tile() -> None:
    declared = spec_of(PRESETS[3]).preprocessing
    assert (declared["resize"], declared["size"], declared["tiles"]) == ("squash", [448, 448], 1)
    assert (declared["mean"], declared["std"]) == ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def test_a_side_that_gives_no_whole_groups_is_refused_with_one_that_does(spec: EncoderSpec) -> None:
    with pytest.raises(UsageError, match=r"input_px=230 .* multiple of 28, such as 224"):
        spec.build(BuildRequest(input_px=230))
