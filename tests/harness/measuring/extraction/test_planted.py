"""Splits of answers: of sets that plant them, and of any clips, made once and kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.measuring.extraction.held_out import PartOfTraining
from foresight_harness.measuring.extraction.planted import kinds_of, planted_split
from foresight_harness.parts.datasets.moving_shapes import MovingShapes
from foresight_harness.planning.options import DatasetChoice, scale

SHAPES, DIGITS = DatasetChoice("moving_shapes"), DatasetChoice("moving_digits")


@pytest.fixture
def splits(make_keeper, monkeypatch):
    monkeypatch.setitem(scale.SCALES, "smoke", replace(scale.SCALES["smoke"], clips_train=4, clips_test=3))
    return make_keeper(datasets=(SHAPES, DIGITS)).workshop.splits


def test_a_set_that_plants_is_asked_and_what_it_gave_is_kept(splits, monkeypatch) -> None:
    dataset, test = splits.built(SHAPES, "test"), splits.decoded(SHAPES, "test")
    assert kinds_of(dataset) == ("elsewhere", "kind", "direction", "frozen", "swapped")
    wrong = planted_split(splits.store, dataset, test, "elsewhere")
    asked = dataset.planted(2, "elsewhere")
    assert torch.allclose(wrong.take([2])[0], asked.clip, atol=1 / 500)
    assert torch.equal(wrong.labels.foreground[2], asked.masks.any(dim=1))
    assert (wrong.ids, wrong.labels.groups) == (test.ids, test.labels.groups)
    marks = {planted_split(splits.store, dataset, test, kind).fingerprint for kind in (None, *kinds_of(dataset))}
    assert len(marks | {test.fingerprint}) == 7

    monkeypatch.setattr(MovingShapes, "planted", lambda *_: pytest.fail("made twice"))
    again = planted_split(splits.store, dataset, test, "elsewhere")
    assert torch.equal(again.take([0, 1, 2]), wrong.take([0, 1, 2]))
    assert torch.equal(again.labels.foreground, wrong.labels.foreground)


def test_of_any_clips_frames_are_held_or_exchanged_in_other_light(splits) -> None:
    dataset, test = splits.built(DIGITS, "test"), splits.decoded(DIGITS, "test")
    assert kinds_of(dataset) == ("frozen", "swapped")
    right, frozen = (planted_split(splits.store, dataset, test, wrong) for wrong in (None, "frozen"))
    assert torch.equal(right.labels.foreground, test.labels.foreground)
    assert torch.equal(frozen.labels.foreground[1], test.labels.foreground[1][[0] * 9])
    assert not torch.equal(right.take([1]), test.take([1]))
    assert (right.take([1])[0, 8] - test.take([1])[0, 8]).abs().mean() < 0.1
    assert (frozen.take([1])[0, 8] - test.take([1])[0, 0]).abs().mean() < 0.1


def test_a_part_of_training_plants_answers_to_its_own_samples() -> None:
    whole = MovingShapes(DataRequest("train", 6, canvas_px=32))
    part = PartOfTraining(whole, "test", 0.5)
    assert torch.equal(part.planted(1, "kind").clip, whole.planted(4, "kind").clip)
    assert part.planted(1, None).id == part[1].id


@pytest.mark.usefixtures("few_pictures")
def test_pictures_have_no_answers(make_keeper) -> None:
    splits = make_keeper().workshop.splits
    photos = DatasetChoice("shapes")
    with pytest.raises(DataError, match="answers are planted in clips"):
        planted_split(splits.store, splits.built(photos, "test"), splits.decoded(photos, "test"), None)
