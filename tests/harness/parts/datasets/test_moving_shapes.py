"""Drawn clips: motion is what the labels say, and no single frame's texture or noise gives it away."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.motion import DIRECTION_NAMES, bounced, clip_frames, heading_of, headings
from foresight_harness.parts.datasets.moving_shapes import MovingShapes
from torchvision.ops import masks_to_boxes

CANVAS_PX = 64


@pytest.fixture(scope="module")
def clips() -> list:
    dataset = MovingShapes(DataRequest("train", count=64, canvas_px=CANVAS_PX))
    return [dataset[index] for index in range(64)]


def test_a_direction_is_named_as_seen_on_the_screen() -> None:
    signs = {name: tuple(int(side) for side in np.rint(heading_of(i))) for i, name in enumerate(DIRECTION_NAMES)}
    assert signs["right"] == (1, 0)
    assert signs["down"] == (0, 1)
    assert signs["up-left"] == (-1, -1)


def test_the_moving_object_goes_where_its_label_says_at_its_speed(clips) -> None:
    for sample in clips:
        box = sample.boxes[:, -1]
        centre = (box[:, :2] + box[:, 2:]) / 2
        way = (centre[-1] - centre[0]).numpy()
        wanted = heading_of(sample.motion["direction"]) * sample.motion["speed"] * 8
        assert np.abs(way - wanted).max() < 2.5 / CANVAS_PX


def test_every_other_object_stands_still(clips) -> None:
    shown = [sample for sample in clips if sample.boxes.shape[1] > 1]
    assert shown
    for sample in shown:
        where = sample.masks[:, :-1]
        # What the moving object uncovers comes and goes, so only a mask's extent may shrink, never travel.
        ever = where.any(dim=0)
        for frame in where:
            assert bool((frame <= ever).all())
            assert all(int(one.sum()) > 0 for one in frame)


def test_boxes_are_tight_around_the_visible_parts_in_every_frame(clips) -> None:
    for sample in clips[:8]:
        for boxes, masks in zip(sample.boxes, sample.masks, strict=True):
            corners = masks_to_boxes(masks)
            corners[:, 2:] += 1
            torch.testing.assert_close(boxes * CANVAS_PX, corners)


def test_all_directions_are_equally_frequent_and_nine_frames_show_no_bounce(clips) -> None:
    assert np.bincount([sample.motion["direction"] for sample in clips]).tolist() == [8] * 8
    assert all(set(sample.motion["directions"]) == {sample.motion["direction"]} for sample in clips)


def test_the_middle_frame_says_nothing_about_the_direction(clips) -> None:
    dataset = MovingShapes(DataRequest("train", count=400, canvas_px=32))
    middles = [[] for _ in range(8)]
    for sample in (dataset[index] for index in range(400)):
        box = sample.boxes[4, -1]
        middles[sample.motion["direction"]].append(((box[:2] + box[2:]) / 2).tolist())
    means = np.array([np.mean(one, axis=0) for one in middles])
    assert np.abs(means - 0.5).max() < 3.5 * 0.16 / np.sqrt(50)


def test_long_clips_bounce_and_say_so() -> None:
    dataset = MovingShapes(DataRequest("train", count=16, canvas_px=32, frames=33))
    samples = [dataset[index] for index in range(16)]
    assert all(sample.clip.shape[0] == 33 for sample in samples)
    assert any(len(set(sample.motion["directions"])) > 1 for sample in samples)


def test_a_bounce_mirrors_the_way_and_the_heading() -> None:
    way = np.array([[0.8, 0.5], [0.95, 0.5], [1.1, 0.5]])
    found, turns = bounced(way, np.array([0.1, 0.1]))
    np.testing.assert_allclose(found, [[0.8, 0.5], [0.85, 0.5], [0.7, 0.5]])
    assert headings(0, turns) == (0, 4, 4)


def test_frames_that_are_not_8k_plus_1_are_refused_with_the_nearest_legal_counts() -> None:
    with pytest.raises(DataError, match="10 frames asked; a clip has 8k\\+1, the nearest are 9 and 17"):
        clip_frames("moving_shapes", DataRequest("train", count=1, frames=10))
    with pytest.raises(DataError, match="0 frames asked"):
        clip_frames("moving_shapes", DataRequest("train", count=1, frames=0))
    assert [clip_frames("x", DataRequest("train", frames=frames)) for frames in (None, 1, 17)] == [9, 1, 17]


def test_another_number_of_frames_is_another_fingerprint() -> None:
    asked = [MovingShapes(DataRequest("train", count=1, canvas_px=32, frames=frames)) for frames in (9, 17)]
    assert asked[0].fingerprint != asked[1].fingerprint
