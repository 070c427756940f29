from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from foresight_harness.testing import assert_published_params
from foresight_timm.building import bare_model
from foresight_timm.describing import describe
from foresight_timm.presets import FAMILY, PRESETS, Preset
from foresight_timm.specs import encoder_spec

PUBLISHED = [preset for preset in (*PRESETS, FAMILY) if not preset.arguments]
TINY = [preset for preset in PRESETS if preset.arguments]


@pytest.mark.parametrize("preset", [*PRESETS, FAMILY], ids=lambda preset: preset.name)
def test_parameter_counts_are_exact_to_the_digit(preset: Preset) -> None:
    assert assert_published_params(encoder_spec(preset), lambda: bare_model(preset)) == preset.params


@pytest.mark.parametrize("preset", PUBLISHED, ids=lambda preset: preset.name)
def test_a_published_preset_states_what_timm_states(preset: Preset) -> None:
    assert replace(describe(preset.architecture), name=preset.name) == preset


@pytest.mark.parametrize("preset", TINY, ids=lambda preset: preset.name)
def test_a_tiny_preset_is_the_class_of_its_published_one(preset: Preset) -> None:
    published = {"sam": "sam_b", "siglip": "siglip_so400m", "eva02": "eva02_l", "mae": "mae_b"}
    twin = next(other for other in PRESETS if other.name == published[preset.name.removesuffix("_tiny")])
    assert type(bare_model(preset)) is type(bare_model(twin))
    assert (preset.colours, preset.final, preset.patch_px) == (twin.colours, twin.final, twin.patch_px)


def test_discovery_imports_neither_torch_nor_timm() -> None:
    code = "import sys, foresight_timm as p; p.foresight_encoders(); print({'torch', 'timm'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_model_without_a_norm_over_tokens_is_read_at_its_last_block() -> None:
    spec = encoder_spec(next(preset for preset in PRESETS if preset.name == "eva02_l"))
    assert spec.default_tap == spec.taps[-1].name == "block.23"
    assert not any(tap.normed for tap in spec.taps)


def test_the_neck_of_sam_has_its_own_width() -> None:
    spec = encoder_spec(next(preset for preset in PRESETS if preset.name == "sam_h"))
    assert (spec.tap("neck").width, spec.tap("block.31").width) == (256, 1280)
