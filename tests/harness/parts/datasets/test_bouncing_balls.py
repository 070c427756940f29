"""Clips of balls: two of them meet in every one, where the label says, and masks are the balls."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.bouncing_balls import BouncingBalls

CANVAS_PX = 64


@pytest.fixture(scope="module")
def clips() -> list:
    dataset = BouncingBalls(DataRequest("train", count=24, canvas_px=CANVAS_PX))
    return [dataset[index] for index in range(24)]


def centres(sample) -> np.ndarray:
    return ((sample.boxes[..., :2] + sample.boxes[..., 2:]) / 2).numpy()


def test_every_clip_has_a_meeting_within_it_and_two_to_four_balls(clips) -> None:
    assert {sample.boxes.shape[1] for sample in clips} == {2, 3, 4}
    for sample in clips:
        assert any(2 <= time <= 6 for time in sample.motion["collisions"])
        assert sample.labels == ("ball",) * sample.boxes.shape[1]
        assert "direction" not in sample.motion


def test_ways_turn_at_meetings_and_edges_alone(clips) -> None:
    """Between frames without either, every ball goes on as before."""
    turned = 0
    for sample in clips:
        path = centres(sample)
        way = np.diff(path, axis=0)
        change = np.abs(np.diff(way, axis=0)).max(axis=-1)  # [T - 2, N]
        half = (sample.boxes[..., 2:] - sample.boxes[..., :2]).numpy() / 2
        near = ((path - half < 0.07) | (path + half > 0.93)).any(axis=-1)
        for frame in range(7):
            met = any(frame <= time <= frame + 2 for time in sample.motion["collisions"])
            for ball in range(path.shape[1]):
                if change[frame, ball] > 3.5 / CANVAS_PX:
                    turned += 1
                    assert met or near[frame : frame + 3, ball].any()
    assert turned > 10


def test_balls_keep_their_size_and_never_cover_each_other(clips) -> None:
    for sample in clips:
        sizes = sample.masks.flatten(2).sum(-1)
        assert (sizes.float().std(0) < 0.12 * sizes.float().mean(0) + 2).all()
        assert int(sample.masks.sum(1).max()) == 1


def test_splits_share_no_clip() -> None:
    train, test = (BouncingBalls(DataRequest(split, count=8, canvas_px=32)) for split in ("train", "test"))
    seen = {train[index].clip.numpy().tobytes() for index in range(8)}
    assert not seen & {test[index].clip.numpy().tobytes() for index in range(8)}


def test_longer_clips_go_on(clips) -> None:
    dataset = BouncingBalls(DataRequest("train", count=2, canvas_px=32, frames=33))
    assert all(dataset[index].clip.shape[0] == 33 for index in range(2))
    assert all(any(8 <= time <= 24 for time in dataset[index].motion["collisions"]) for index in range(2))
