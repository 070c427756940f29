"""Variants of any encoder: coarser grids, larger pictures, and variants of variants."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.specs import BuildRequest
from foresight_harness.parts.controls.encoders import Pooled
from foresight_harness.parts.controls.variants import larger
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import DatasetChoice
from foresight_harness.planning.plan import cost_of
from foresight_harness.planning.registry import Registry, load_registry

TAIL = "identity/single/linear"


def test_pooled_grid_is_the_mean_of_its_blocks() -> None:
    """By hand: 4x4 cells numbered in raster order; the first 2x2 block holds 0, 1, 4, 5."""
    tokens = torch.arange(16).float().view(1, 1, 4, 4, 1)
    assert Pooled(2).encode(tokens, ["a"])["a"].tokens[0, 0, :, :, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert Pooled(4).encode(tokens, ["a"])["a"].tokens.flatten().tolist() == [7.5]


def test_pooled_grid_of_a_side_that_the_block_does_not_divide_covers_the_picture_evenly() -> None:
    places = torch.linspace(0.1, 0.9, 5).view(1, 1, 1, 5, 1).expand(1, 1, 5, 5, 1)
    pooled = Pooled(2).encode(places, ["a"])["a"].tokens[0, 0, 0, :, 0]
    assert pooled.tolist() == pytest.approx([0.3, 0.7])


@pytest.mark.parametrize("name", ["pooled2:oracle", "pooled4:oracle"])
def test_variant_of_the_ceiling_keeps_its_role(builtins: Registry, name: str) -> None:
    assert resolve(parse_candidate(f"{name}/{TAIL}"), builtins).role == "ceiling"


@pytest.mark.parametrize("name", ["shuffled:oracle", "shuffled:pooled4:oracle", "window_order:oracle"])
def test_variant_that_destroys_places_is_a_floor_whatever_it_reads(builtins: Registry, name: str) -> None:
    assert resolve(parse_candidate(f"{name}/{TAIL}"), builtins).role == "floor"


@pytest.mark.parametrize(
    ("name", "side"), [("oracle", 16), ("pooled2:oracle", 8), ("pooled4:oracle", 4), ("larger2:oracle", 32)]
)
def test_planned_grid_is_the_real_one(
    builtins: Registry, make_bench: Callable, few_pictures: None, name: str, side: int
) -> None:
    planned = resolve(parse_candidate(f"{name}/{TAIL}"), builtins).conditioning_shape()
    bench = make_bench()
    split = bench.splits.decoded(DatasetChoice("shapes"), "test")
    assert bench.extraction.grids(builtins.encoder(name), "mask", split).shape == planned
    assert (planned.rows, planned.cols) == (side, side)


def test_pooled_pixels_are_means_of_the_cached_pixels_and_cost_no_forward(
    builtins: Registry, make_bench: Callable, few_pictures: None
) -> None:
    bench = make_bench()
    split = bench.splits.decoded(DatasetChoice("shapes"), "test")
    fine = bench.extraction.grids(builtins.encoder("pixels"), "patch", split).take([0, 1])
    coarse = bench.extraction.grids(builtins.encoder("pooled4:pixels"), "patch", split).take([0, 1])
    assert torch.allclose(coarse, fine.unflatten(2, (4, 4)).unflatten(4, (4, 4)).mean((3, 5)), atol=1e-6)
    assert dict(bench.extraction.forwards) == {"pixels": len(split)}


def test_larger_picture_is_the_same_model_fed_twice_the_side(builtins: Registry) -> None:
    spec = builtins.encoder("larger2:pixels")
    assert (spec.input_px, spec.derives_from, spec.role) == (448, "pixels", "floor")
    asked: list[int | None] = []
    watched = replace(builtins.encoder("pixels"), build=lambda request: asked.append(request.input_px))
    for side in (None, 56):
        larger(watched).build(BuildRequest(input_px=side))
    assert asked == [448, 56]


@pytest.mark.parametrize(
    "name", ["pooled4:gradients_tiny", "shuffled:pooled4:gradients_tiny", "larger2:gradients_tiny"]
)
def test_record_of_a_variant_has_the_weights_of_its_source(
    dropin: Path, make_bench: Callable, planned: Callable, few_pictures: None, name: str
) -> None:
    """A transform of grids has no weights, but what it reads has."""
    registry = load_registry()
    weighted = replace(registry.encoder("gradients_tiny"), params=10)
    registry = replace(registry, encoders={**registry.encoders, "gradients_tiny": weighted})
    bench = make_bench(registry)
    cell = planned(registry, f"{name}@normed/{TAIL}", "spatial")
    bench.plan([cell])
    bench.run_cell(cell)
    lines = (bench.folder.path / "records.jsonl").read_text().splitlines()
    found = [entry for entry in map(json.loads, lines) if entry["candidate"].startswith(name)]
    assert found
    assert all(entry["provenance"][0]["kind"] == "random" and not entry["gateable"] for entry in found)
    kept = bench.extraction.provenance(weighted).sha256
    assert {entry["provenance"][0]["sha256"] for entry in found} == {kept}


def test_larger_picture_for_a_model_of_one_size_is_refused_at_plan_time(builtins: Registry) -> None:
    fixed = replace(builtins.encoder("pixels"), fixed_input=True)
    with pytest.raises(CandidateError, match="larger2:pixels is not on offer: pixels takes pictures of 224 px only"):
        larger(fixed)
    with pytest.raises(CandidateError, match="reads another encoder's grids"):
        builtins.encoder("larger2:shuffled:pixels")


def test_plan_counts_a_variant_of_grids_as_its_source(builtins: Registry, planned: Callable, make_bench) -> None:
    names = ("pixels", "pooled4:pixels", "shuffled:pooled4:pixels", "larger2:pixels")
    cells = [planned(builtins, f"{name}@patch/{TAIL}", "spatial") for name in names]
    options = make_bench().options
    assert cost_of(cells, options).forwards == 2 * (options.sizes.train + options.sizes.test)
