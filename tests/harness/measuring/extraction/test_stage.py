from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.specs import BuildRequest
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import DatasetChoice
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.registry import load_registry
from foresight_harness.protocols import Encoder

pytestmark = pytest.mark.usefixtures("few_pictures")

CANDIDATES = [
    "gradients_tiny@pooled/identity/single/linear",
    "gradients_tiny@normed/identity/single/linear",
    "gradients_tiny@normed/bilinear/single/linear",
    "gradients_tiny@normed+pixels@patch/identity/concat/linear",
    "shuffled:gradients_tiny@normed/identity/single/linear",
]


def cells(registry) -> list[PlannedCell]:
    return [
        PlannedCell(resolve(parse_candidate(text), registry), registry.suite(name), DatasetChoice("shapes"))
        for name in ("spatial", "alignment", "reconstruction")
        for text in CANDIDATES
    ]


def test_each_picture_is_encoded_once_whatever_the_number_of_candidates(dropin: Path, make_keeper) -> None:
    registry = load_registry()
    keeper = make_keeper(registry)
    from foresight_dropin import gradients

    keeper.plan(cells(registry))
    for cell in keeper.planned:
        keeper.run_cell(cell)
    assert keeper.counts["ok"] == keeper.counts["planned"] == len(keeper.planned) + 4
    examined = keeper.workshop.admission.pictures["gradients_tiny"]
    assert gradients.pictures_seen == 24 + 16 + examined
    assert 0 < examined <= 32
    assert gradients.builds == 1
    assert keeper.workshop.extraction.forwards["gradients_tiny"] == 24 + 16

    again = make_keeper(registry)
    again.plan(cells(registry))
    for cell in again.planned:
        again.run_cell(cell)
    assert gradients.pictures_seen == 24 + 16 + 2 + examined  # two are looked at again, once a data set
    assert again.workshop.checks.findings == []
    assert again.workshop.admission.pictures.total() == 0
    assert sum(again.workshop.extraction.forwards.values()) == 0


def test_features_from_the_cache_equal_cold_ones(dropin: Path, make_keeper) -> None:
    registry = load_registry()
    spec = registry.encoder("gradients_tiny")
    keeper = make_keeper(registry)
    split = keeper.workshop.splits.decoded(DatasetChoice("shapes"), "test")
    cached = keeper.workshop.extraction.grids(spec, "normed", split)
    clips = split.take(range(len(split)))
    cold = keeper.workshop.pool.get(spec).encode(clips, ["normed"])["normed"].tokens
    assert torch.equal(cached.take(range(len(split))), cold)


def test_shuffled_keeps_every_token_and_loses_its_place(make_keeper, builtins) -> None:
    keeper = make_keeper()
    split = keeper.workshop.splits.decoded(DatasetChoice("shapes"), "test")
    straight = keeper.workshop.extraction.grids(builtins.encoder("pixels"), "patch", split).take([0, 1]).flatten(1, 3)
    shuffled = keeper.workshop.extraction.grids(builtins.encoder("shuffled"), "patch", split).take([0, 1]).flatten(1, 3)
    assert not torch.equal(straight, shuffled)
    for before, after in zip(straight, shuffled, strict=True):
        assert torch.equal(before.sum(1).sort().values, after.sum(1).sort().values)
    orders = [torch.cdist(after, before).argmin(1) for before, after in zip(straight, shuffled, strict=True)]
    assert not torch.equal(orders[0], orders[1])


def test_build_knows_its_taps_and_where_memory_refuses_all_planned_ones_the_wanted_one_is_read_alone(
    dropin: Path, make_keeper
) -> None:
    registry = load_registry()
    spec = registry.encoder("gradients_tiny")
    keeper = make_keeper(registry)
    keeper.workshop.extraction.plan(spec.name, ["pooled", "normed"])
    asked: list[tuple[str, ...]] = []

    def build(request: BuildRequest) -> Encoder:
        asked.append(request.taps)
        if len(request.taps) > 1:
            raise UsageError("both do not fit")
        return spec.build(request)

    split = keeper.workshop.splits.decoded(DatasetChoice("shapes"), "test")
    found = keeper.workshop.extraction.grids(replace(spec, build=build), "normed", split)
    assert asked == [("normed", "pooled"), ("normed",)]
    assert found.take([0]).shape[0] == 1
