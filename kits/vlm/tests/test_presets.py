from __future__ import annotations

import pytest
from foresight_harness import BuildRequest, TapSpec, UsageError
from foresight_harness.protocols import Encoder
from foresight_vlm_kit.presets import Preset, encoder_spec, require_whole_groups, squashed


def build(request: BuildRequest) -> Encoder:
    raise NotImplementedError


def test_a_spec_tells_the_facts_of_its_preset_unless_they_are_told_otherwise() -> None:
    facts = {"taps": (TapSpec("patch_embed", 8, 14),), "default_tap": "patch_embed", "input_px": 28}
    published = Preset(name="model_1b", params=10, repo="owner/model", license="MIT")
    spec = encoder_spec(published, build, **facts)
    assert (spec.name, spec.params, spec.repo, spec.license, spec.size) == (
        ("model_1b", 10, "owner/model", "MIT", "published")
    )
    assert spec.weights == ("random", "pretrained")
    assert encoder_spec(Preset(name="model_tiny", params=1, size="tiny"), build, **facts).weights == ("random",)
    assert encoder_spec(published, build, name="model_1b:tiles", **facts).name == "model_1b:tiles"


@pytest.mark.parametrize(("input_px", "nearest"), [(230, 224), (14, 28), (435, 448)])
def test_a_side_of_broken_groups_is_refused_with_one_that_is_whole(input_px: int, nearest: int) -> None:
    with pytest.raises(UsageError, match=rf"input_px={input_px} gives no whole 2x2 .* of 28, such as {nearest}$"):
        require_whole_groups("model", input_px, 14, 2)
    require_whole_groups("model", nearest, 14, 2)


def test_what_is_declared_of_squashing_is_data() -> None:
    declared = squashed(448, (0.5, 0.4, 0.3), (0.1, 0.2, 0.3))
    assert (declared["resize"], declared["size"]) == ("squash", [448, 448])
    assert (declared["mean"], declared["std"]) == ([0.5, 0.4, 0.3], [0.1, 0.2, 0.3])
