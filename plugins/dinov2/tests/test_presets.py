from __future__ import annotations

import subprocess
import sys

import pytest
from foresight_dinov2.building import bare_model
from foresight_dinov2.presets import NANO, SIZES, Size
from foresight_dinov2.specs import encoder_spec
from foresight_harness.testing import assert_published_params


@pytest.mark.parametrize("size", [*SIZES, NANO], ids=lambda size: size.name)
def test_parameter_counts_are_exact_to_the_digit(size: Size) -> None:
    assert assert_published_params(encoder_spec(size), lambda: bare_model(size)) == size.params


def test_discovery_imports_no_torch() -> None:
    code = "import sys, foresight_dinov2 as p; p.foresight_encoders(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_published_size_has_a_twin_with_registers() -> None:
    published = {size.name for size in SIZES}
    assert {f"{name}_reg" for name in published if not name.endswith("_reg")} <= published


def test_taps_run_from_the_patch_embedding_to_the_final_norm() -> None:
    giant = encoder_spec(next(size for size in SIZES if size.name == "dinov2_giant"))
    names = [tap.name for tap in giant.taps]
    assert names[0] == "patch_embed"
    assert names[1:-1] == [f"block.{index:02d}" for index in range(40)]
    assert names[-1] == giant.default_tap == "last"
    assert [tap.name for tap in giant.taps if tap.normed] == ["last"]
