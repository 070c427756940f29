from __future__ import annotations

import subprocess
import sys

import pytest
from foresight_detectors.building import read_part
from foresight_detectors.presets import OWLV2_TINY, SIZES
from foresight_detectors.sizes import Size
from foresight_detectors.specs import encoder_spec
from foresight_harness.testing import assert_published_params


@pytest.mark.parametrize("size", [*SIZES, OWLV2_TINY], ids=lambda size: size.name)
def test_parameter_counts_are_exact_to_the_digit(size: Size) -> None:
    """Grounding DINO allocates one table of its levels whatever device is asked for."""
    assert assert_published_params(encoder_spec(size), lambda: read_part(size).to("meta")) == size.params


def test_discovery_imports_no_torch() -> None:
    code = "import sys, foresight_detectors as p; p.foresight_encoders(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_names_of_the_documents_are_on_offer() -> None:
    names = {size.name for size in SIZES}
    assert {"owlvit_base_patch32", "owlv2_base_patch16", "detr_resnet50", "owlvit_tiny", "detr_tiny"} <= names
    assert {"grounding_dino_swin_t", "grounding_dino_swin_b", "grounding_dino_tiny"} <= names
    assert sum(size.is_tiny for size in SIZES) == 3, "every tiny encoder costs every smoke run"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
def test_boxes_come_last_and_say_how_they_are_scored(size: Size) -> None:
    spec = encoder_spec(size)
    assert [tap.name for tap in spec.taps if tap.predicted] == ["boxes"] == [spec.taps[-1].name]
    assert spec.config["boxes"]["score"] == size.scored_by
    assert ("prompts" in spec.config["boxes"]) == (size.family == "owlvit")
    assert ("text" in spec.config["boxes"]) == (size.family == "grounding_dino")


def test_the_default_is_what_the_heads_read() -> None:
    by_name = {size.name: encoder_spec(size) for size in SIZES}
    assert by_name["owlv2_large_patch14_ensemble"].default_tap == "last"
    assert by_name["detr_resnet50"].default_tap == "block.05"
    assert [tap.stride_px for tap in by_name["detr_resnet50"].taps] == [4, 8, 16, 32, *[32] * 7, 16]
    grounding = by_name["grounding_dino_swin_b"]
    assert grounding.default_tap == "level.16"
    assert [(tap.width, tap.stride_px) for tap in grounding.taps] == [
        *((256, 8), (512, 16), (1024, 32)),
        *[(256, 8)] * 6,
        *((256, 16), (256, 32), (5, 16)),
    ]
