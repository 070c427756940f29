"""What every made set shares: its identity follows the request and its recipe, and each sample stands on its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.protocols import Dataset
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts import builtin
from foresight_harness.parts.datasets.made_set import MadeSet

REQUEST = DataRequest(split="train", count=3, seed=2, canvas_px=64)
MADE = ("coins", "digits", "photos", "shapes", "one_shape", "kinds", "kinds_1", "kinds_all")
MOVING = ("moving_shapes", "moving_kinds", "moving_digits", "bouncing_balls", "debug_clips")


def made(name: str, **changes: object) -> Dataset:
    (row,) = [row for row in builtin.foresight_datasets() if row.name == name]
    return row.build(replace(REQUEST, **changes))


@pytest.mark.parametrize("name", [*MADE, *MOVING])
def test_a_sample_depends_on_neither_the_count_nor_the_order_of_access(name: str) -> None:
    few, many = made(name), made(name, count=5)
    assert isinstance(few, MadeSet)
    late, early = many[2], few[2]
    assert (late.id, late.group, late.labels) == (early.id, early.group, early.labels)
    assert torch.equal(late.clip, early.clip)
    assert late.id.endswith("-2-train-000002")


@pytest.mark.parametrize("name", [*MADE, *MOVING])
def test_split_seed_count_and_canvas_each_change_the_fingerprint(name: str) -> None:
    asked = [{}, {"split": "test"}, {"seed": 3}, {"count": 4}, {"canvas_px": 96}]
    assert len({made(name, **changes).fingerprint for changes in asked}) == len(asked)
    assert made(name).fingerprint == made(name).fingerprint


@pytest.mark.parametrize("name", MOVING)
def test_the_frames_of_a_clip_change_its_fingerprint(name: str) -> None:
    assert made(name, frames=9).fingerprint == made(name).fingerprint != made(name, frames=17).fingerprint


def test_a_set_that_differs_in_what_it_shows_has_another_fingerprint() -> None:
    names = ("shapes", "one_shape", "kinds", "kinds_1", "kinds_all")
    assert len({made(name).fingerprint for name in names}) == len(names)


@pytest.mark.parametrize("name", [*MADE, *MOVING])
def test_a_canvas_too_small_and_a_sample_outside_are_refused_by_name(name: str) -> None:
    with pytest.raises(DataError, match=f"data set {name}: canvas_px 8 asked, the least is"):
        made(name, canvas_px=8)
    with pytest.raises(IndexError, match=f"sample 3 of {name}, which has 3"):
        made(name)[3]
