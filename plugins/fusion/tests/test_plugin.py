"""What the plugin offers, before anything is built."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from itertools import permutations

import foresight_fusion
import pytest
from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.specs import GridShape

SPECS = {spec.name: spec for spec in foresight_fusion.foresight_fusions()}
FINE, COARSE = GridShape(16, 16, 1536), GridShape(7, 9, 3584)
KEEPS_FIRST = ("film", "gated", "dual_stream")


def test_the_entry_point_names_the_package() -> None:
    (found,) = entry_points(group="foresight", name="fusion")
    assert found.value == "foresight_fusion"


def test_offering_and_planning_import_no_torch() -> None:
    code = (
        "import sys, foresight_fusion; from foresight_harness.contracts.specs import GridShape; "
        "[spec.output_shape([GridShape(16, 16, 64)] * 2) for spec in foresight_fusion.foresight_fusions()]; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", KEEPS_FIRST)
def test_the_first_streams_grid_and_width_are_kept(name: str) -> None:
    assert SPECS[name].output_shape([FINE, COARSE]) == FINE
    assert SPECS[name].output_shape([COARSE, FINE]) == COARSE


def test_perceiver_plans_the_largest_grid_whatever_the_order() -> None:
    streams = [GridShape(4, 9, 64), GridShape(9, 4, 448), GridShape(5, 5, 32)]
    planned = {SPECS["perceiver"].output_shape(order) for order in permutations(streams)}
    assert planned == {GridShape(9, 4, 64)}


def test_qformer_plans_a_token_set() -> None:
    expected = GridShape(1, 64, 512, frames=3, is_set=True)
    frames = [GridShape(16, 16, 1536, frames=3), GridShape(7, 9, 3584, frames=3)]
    assert SPECS["qformer"].output_shape(frames) == expected


@pytest.mark.parametrize("name", ["perceiver", "qformer"])
def test_one_stream_is_enough_for_queries(name: str) -> None:
    assert SPECS[name].streams == (1, None)
    assert SPECS[name].output_shape([FINE]).width == 224


@pytest.mark.parametrize("name", list(SPECS))
def test_a_number_of_streams_outside_the_bounds_is_refused_in_one_line(name: str) -> None:
    least, most = SPECS[name].streams
    for count in [least - 1, *([most + 1] if most else [])]:
        with pytest.raises(CandidateError, match=rf"^{name} takes .* got {count}") as refused:
            SPECS[name].output_shape([FINE] * count)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", list(SPECS))
def test_unequal_frames_are_refused(name: str) -> None:
    with pytest.raises(CandidateError, match="equal frames"):
        SPECS[name].output_shape([GridShape(4, 4, 8), GridShape(4, 4, 8, frames=2)])


@pytest.mark.parametrize("name", list(SPECS))
def test_token_sets_are_refused(name: str) -> None:
    with pytest.raises(CandidateError, match="token set"):
        SPECS[name].output_shape([GridShape(4, 4, 8), GridShape(1, 64, 8, is_set=True)])


@pytest.mark.parametrize("name", ["film", "gated"])
def test_resampling_that_invents_detail_is_refused_when_planned(name: str) -> None:
    with pytest.raises(CandidateError, match="limit: 8x"):
        SPECS[name].output_shape([GridShape(40, 40, 8), GridShape(4, 4, 8)])


def test_attention_needs_no_resampling() -> None:
    assert SPECS["dual_stream"].output_shape([GridShape(40, 40, 8), GridShape(4, 4, 8)]) == GridShape(40, 40, 8)
