"""Built-in modules: what they promise at plan time is what they do."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from foresight_harness import grids
from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.specs import EnhancerSpec, ExtractorSpec, FusionSpec, GridShape
from foresight_harness.parts.grid_modules import shapes as shape_rules
from foresight_harness.parts.grid_modules.specs import enhancer_specs, extractor_specs, fusion_specs

torch.set_num_threads(1)

EXTRACTORS = {spec.name: spec for spec in extractor_specs()}
ENHANCERS = {spec.name: spec for spec in enhancer_specs()}
FUSIONS = {spec.name: spec for spec in fusion_specs()}


def tokens(shape: GridShape, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, shape.frames, shape.rows, shape.cols, shape.width)


def check(spec: ExtractorSpec | EnhancerSpec | FusionSpec, shapes: list[GridShape]) -> None:
    if isinstance(spec, EnhancerSpec):
        promised, made = spec.output_shape(shapes[0]), spec.build(shapes[0])(tokens(shapes[0]))
    else:
        promised, made = spec.output_shape(shapes), spec.build(shapes)([tokens(shape) for shape in shapes])
    assert tuple(made.shape) == (2, promised.frames, promised.rows, promised.cols, promised.width)


def test_specs_are_free_of_torch() -> None:
    code = (
        "import sys; from foresight_harness.parts.grid_modules.specs import *; extractor_specs(), enhancer_specs(), "
        "fusion_specs(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("spec", [*EXTRACTORS.values(), *ENHANCERS.values(), *FUSIONS.values()], ids=lambda s: s.name)
def test_only_what_has_parameters_is_trainable(spec: ExtractorSpec | EnhancerSpec | FusionSpec) -> None:
    shape = GridShape(3, 5, 4)
    module: object
    if isinstance(spec, EnhancerSpec):
        module = spec.build(shape)
    else:
        module = spec.build([shape] if spec.name in ("tap", "single") else [shape, shape])
    assert isinstance(module, torch.nn.Module)
    assert bool(list(module.parameters())) is spec.trainable


@pytest.mark.parametrize("name", list(ENHANCERS))
def test_enhancers_keep_their_promise_at_an_odd_grid_and_several_frames(name: str) -> None:
    check(ENHANCERS[name], [GridShape(3, 5, 4, frames=3)])


@pytest.mark.parametrize("name", ["concat", "multi_scale"])
def test_extractors_keep_their_promise(name: str) -> None:
    check(EXTRACTORS[name], [GridShape(3, 5, 4, frames=2), GridShape(3, 5, 4, frames=2)])


def test_concat_fusion_resamples_unequal_grids_to_the_grid_of_most_cells() -> None:
    shapes = [GridShape(3, 5, 4), GridShape(6, 4, 2)]
    assert FUSIONS["concat"].output_shape(shapes) == GridShape(6, 4, 6)
    check(FUSIONS["concat"], shapes)


def test_concat_fusion_leaves_the_largest_stream_untouched() -> None:
    shapes = [GridShape(2, 2, 3), GridShape(4, 4, 2)]
    coarse, fine = (tokens(shape) for shape in shapes)
    assert torch.equal(FUSIONS["concat"].build(shapes)([coarse, fine])[..., 3:], fine)


def test_concat_extractor_refuses_unequal_grids() -> None:
    with pytest.raises(CandidateError, match="one grid, got 3x5, 6x4"):
        EXTRACTORS["concat"].output_shape([GridShape(3, 5, 4), GridShape(6, 4, 4)])


def test_multi_scale_refuses_unequal_widths() -> None:
    with pytest.raises(CandidateError, match=r"widths must agree, got \[4, 8\]"):
        EXTRACTORS["multi_scale"].output_shape([GridShape(3, 5, 4), GridShape(3, 5, 8)])


@pytest.mark.parametrize("spec", [EXTRACTORS["concat"], EXTRACTORS["multi_scale"], FUSIONS["concat"]])
def test_unequal_frames_are_refused(spec: ExtractorSpec | FusionSpec) -> None:
    with pytest.raises(CandidateError, match="equal frames"):
        spec.output_shape([GridShape(4, 4, 2), GridShape(4, 4, 2, frames=2)])


@pytest.mark.parametrize(("spec", "count"), [(EXTRACTORS["tap"], 2), (FUSIONS["single"], 2), (FUSIONS["concat"], 0)])
def test_a_wrong_number_of_inputs_is_refused(spec: ExtractorSpec | FusionSpec, count: int) -> None:
    with pytest.raises(CandidateError, match=f"got {count}"):
        spec.output_shape([GridShape(4, 4, 2)] * count)


def test_one_tap_is_too_few_for_multi_scale() -> None:
    with pytest.raises(CandidateError, match="at least 2 taps, got 1"):
        EXTRACTORS["multi_scale"].output_shape([GridShape(4, 4, 2)])


def test_token_sets_cannot_be_resampled() -> None:
    token_set = GridShape(1, 64, 8, is_set=True)
    with pytest.raises(CandidateError, match="token set"):
        ENHANCERS["bilinear"].output_shape(token_set)
    with pytest.raises(CandidateError, match="token set"):
        FUSIONS["concat"].output_shape([GridShape(8, 8, 8), token_set])


def test_enlarging_beyond_the_limit_is_refused_when_planned() -> None:
    with pytest.raises(CandidateError, match="limit: 8x a side"):
        FUSIONS["concat"].output_shape([GridShape(1, 1, 2), GridShape(9, 9, 2)])


def test_the_limit_of_the_plan_is_the_limit_of_resampling() -> None:
    assert shape_rules.MAX_ENLARGEMENT == grids.MAX_ENLARGEMENT


@pytest.mark.parametrize(
    ("name", "factor"), [("bilinear", 2), ("nearest", 2), ("bilinear_x4", 4), ("nearest_x4", 4), ("identity", 1)]
)
def test_resampling_enhancer_gives_the_side_that_it_plans(name: str, factor: int) -> None:
    shape = GridShape(4, 6, 8)
    planned = ENHANCERS[name].output_shape(shape)
    assert (planned.rows, planned.cols) == (4 * factor, 6 * factor)
    made = ENHANCERS[name].build(shape)(torch.rand(1, 1, 4, 6, 8))
    assert made.shape == (1, 1, planned.rows, planned.cols, 8)
