"""What is on offer."""

from __future__ import annotations

import pytest
from foresight_cogvlm2 import spec_of
from foresight_cogvlm2.presets import PRESETS
from foresight_harness import BuildRequest, CandidateError, EncoderSpec, UsageError


def test_the_chat_model_has_63_blocks_and_reads_1344_px() -> None:
    spec = spec_of(PRESETS[-1])
    taps = [tap.name for tap in spec.taps]
    assert taps[:2] == ["patch_embed", "block.00"]
    assert taps[63:67] == ["block.62", "pre_conv", "post_conv", "vision_out"]
    assert taps[67:] == [f"llm.{depth:02d}" for depth in range(1, 33)]
    assert spec.input_px // spec.tap("pre_conv").stride_px == 96
    assert spec.input_px // spec.tap("vision_out").stride_px == 48
    assert [spec.tap(name).width for name in ("post_conv", "vision_out", "llm.07")] == [1792, 4096, 4096]


def test_only_the_chat_model_has_visual_experts() -> None:
    found = {spec.name: spec.config["text"]["visual_experts"] for spec in map(spec_of, PRESETS)}
    assert found == {
        "cogvlm2_tiny": True,
        "cogvlm2_video_tiny": False,
        "cogvlm2_video": False,
        "cogvlm2_chat_19b": True,
    }


def test_the_declared_preprocessing_is_clips_on_a_squashed_square() -> None:
    declared = spec_of(PRESETS[-1]).preprocessing
    assert (declared["resize"], declared["size"]) == ("squash", [1344, 1344])
    assert declared["mean"] == [0.48145466, 0.4578275, 0.40821073]


def test_flash_attention_is_refused(spec: EncoderSpec) -> None:
    with pytest.raises(UsageError, match="flash_attention_2: this architecture does not support it"):
        spec.build(BuildRequest(attention="flash_attention_2"))


def test_a_side_that_gives_no_whole_groups_is_refused_with_one_that_does(spec: EncoderSpec) -> None:
    with pytest.raises(UsageError, match=r"input_px=230 .* multiple of 28, such as 224"):
        spec.build(BuildRequest(input_px=230))


def test_whole_clips_are_an_encoder_of_their_own_name_of_video_models_alone() -> None:
    offered = {spec.name: spec for spec in map(spec_of, PRESETS)}
    assert [name for name, spec in offered.items() if spec.expand] == ["cogvlm2_video_tiny", "cogvlm2_video"]
    video = offered["cogvlm2_video"]
    assert video.expand is not None
    clip = video.expand("clip")
    assert (clip.name, clip.view_of, clip.expand) == ("cogvlm2_video:clip", "cogvlm2_video", None)
    assert (clip.taps, clip.repo, clip.params) == (video.taps, video.repo, video.params)
    assert clip.preprocessing["frames"].startswith("up to 24 in one sequence")
    with pytest.raises(CandidateError, match=r"cogvlm2_video:hires is not on offer; cogvlm2_video:clip reads"):
        video.expand("hires")
