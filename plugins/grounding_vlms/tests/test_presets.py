from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from foresight_grounding_vlms import spec_of
from foresight_grounding_vlms.presets import PRESETS, Size
from foresight_harness import BuildRequest, UsageError
from foresight_vlm_kit.counting import count

BY_NAME = {preset.name: preset for preset in PRESETS}
WHOLE = {"florence2_base": 231_414_016, "florence2_large": 770_173_952, "kosmos2_patch14_224": 1_664_485_376}
"""The published models are of 0.23, 0.77 (arXiv:2311.06242, table 15) and 1.66 thousand million parameters."""


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_parameter_counts_are_exact_to_the_digit(preset: Size, whole_of: Callable[[Size], Any]) -> None:
    with torch.device("meta"):
        whole = whole_of(preset)
    if preset.family == "florence2":
        parts = [whole.model.vision_tower, whole.model.multi_modal_projector]
    else:
        parts = [whole.vision_model]
    assert count(*parts) == preset.params
    if preset.name in WHOLE:
        assert count(whole) == WHOLE[preset.name]


def test_discovery_imports_no_torch() -> None:
    code = "import sys, foresight_grounding_vlms as p; list(p.foresight_encoders()); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_taps_of_published_sizes() -> None:
    florence, kosmos = spec_of(BY_NAME["florence2_large"]), spec_of(BY_NAME["kosmos2_patch14_224"])
    assert [(tap.name, tap.width, tap.stride_px) for tap in florence.taps] == [
        ("stage.1", 256, 4),
        ("stage.2", 512, 8),
        ("stage.3", 1024, 16),
        ("stage.4", 2048, 32),
        ("projected", 1024, 32),
    ]
    assert florence.default_tap == "projected"
    assert [tap.name for tap in kosmos.taps][::25] == ["patch_embed", "last"]
    assert (kosmos.default_tap, kosmos.tap("last").width, kosmos.tap("last").normed) == ("last", 1024, True)


@pytest.mark.parametrize(
    ("name", "input_px", "message"),
    [
        ("florence2_tiny", 230, r"input_px=230 gives no whole .* multiple of 32, such as 224"),
        ("kosmos2_tiny", 100, r"input_px=100 gives no whole .* multiple of 14, such as 98"),
        ("florence2_tiny", 1632, r"florence2_tiny at 1632 px: its positions reach 1600 px"),
    ],
)
def test_a_side_that_does_not_fit_is_refused_in_one_line(name: str, input_px: int, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        spec_of(BY_NAME[name]).build(BuildRequest(input_px=input_px))
    assert "\n" not in str(caught.value)


def test_a_model_that_memory_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_bytes", lambda device: 2**28)
    with pytest.raises(UsageError, match=r"kosmos2_patch14_224 needs 1.1 GiB for its weights in float32"):
        spec_of(BY_NAME["kosmos2_patch14_224"]).build(BuildRequest())
