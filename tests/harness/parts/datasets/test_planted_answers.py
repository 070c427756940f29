"""Right and wrong answers of ``moving_shapes``: one thing is wrong, everything else is as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.protocols import PlantsAnswers
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.moving_shapes import MovingShapes
from foresight_harness.parts.datasets.planted_answers import PLANTED, frames_of

COUNT = 24


@pytest.fixture(scope="module")
def clips() -> MovingShapes:
    return MovingShapes(DataRequest("test", COUNT, canvas_px=64))


def way(masks: torch.Tensor) -> np.ndarray:
    """Middle of the moving object, which is the last plane, in each frame. [T, 2]"""
    return np.array(
        [[float(axis.double().mean()) for axis in torch.nonzero(plane, as_tuple=True)] for plane in masks[:, -1]]
    )


def test_the_set_says_what_it_plants(clips) -> None:
    assert isinstance(clips, PlantsAnswers)
    assert clips.plants == PLANTED


def test_the_right_answer_is_the_same_event_in_other_light_and_noise(clips) -> None:
    for index in range(4):
        true, right = clips[index], clips.planted(index, None)
        assert torch.equal(right.masks, true.masks)
        assert right.id == true.id
        assert not torch.equal(right.clip, true.clip)
        gain = (right.clip.mean() / true.clip.mean()).item()
        assert 0.8 < gain < 1.2
        # Light and noise aside the pictures are one: they correlate as noise lets them.
        assert np.corrcoef(right.clip.flatten(), true.clip.flatten())[0, 1] > 0.8


def test_answers_are_the_same_each_time_and_do_not_depend_on_how_many_there_are(clips) -> None:
    fewer = MovingShapes(DataRequest("test", 2, canvas_px=64))
    for wrong in (None, *PLANTED):
        assert torch.equal(clips.planted(1, wrong).clip, fewer.planted(1, wrong).clip)
    assert not torch.equal(clips.planted(1, None).clip, clips.planted(1, "frozen").clip)


def test_elsewhere_moves_the_same_way_in_another_place(clips) -> None:
    for index in range(COUNT):
        true, wrong = way(clips[index].masks), way(clips.planted(index, "elsewhere").masks)
        assert np.abs((wrong - wrong[0]) - (true - true[0])).max() < 2
        assert np.linalg.norm(wrong - true, axis=1).min() > 0.1 * 64


def test_another_kind_goes_the_same_way(clips) -> None:
    for index in range(COUNT):
        true, wrong = clips[index].masks[:, -1], clips.planted(index, "kind").masks[:, -1]
        assert not torch.equal(true, wrong)
        overlap = (true & wrong).sum() / (true | wrong).sum()
        assert overlap > 0.15


def test_a_wrong_direction_is_at_least_a_right_angle_off_at_the_same_speed(clips) -> None:
    for index in range(COUNT):
        true, wrong = way(clips[index].masks), way(clips.planted(index, "direction").masks)
        steps = [path[-1] - path[0] for path in (true, wrong)]
        lengths = [np.linalg.norm(step) for step in steps]
        assert lengths[0] == pytest.approx(lengths[1], rel=0.1)
        assert steps[0] @ steps[1] / np.prod(lengths) < 0.1
        assert np.linalg.norm(true[4] - wrong[4]) < 1.5  # both cross the middle of the way in the middle frame


def test_frozen_holds_the_first_frame_and_swapped_shows_the_second_half_first(clips) -> None:
    true, frozen, swapped = clips[3].masks, clips.planted(3, "frozen").masks, clips.planted(3, "swapped").masks
    assert all(torch.equal(frame, true[0]) for frame in frozen)
    assert torch.equal(swapped, true[[5, 6, 7, 8, 0, 1, 2, 3, 4]])
    assert frames_of("swapped", 4) == [2, 3, 0, 1]
    assert frames_of(None, 3) == [0, 1, 2]


def test_an_answer_that_cannot_be_planted_is_refused_by_name(clips) -> None:
    with pytest.raises(DataError, match="'upside_down' is none that can be planted"):
        clips.planted(0, "upside_down")
