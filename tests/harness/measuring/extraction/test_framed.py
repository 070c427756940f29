from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.measuring.extraction.framed import framed
from foresight_harness.planning.options import DatasetChoice, scale

CLIPS = DatasetChoice("moving_shapes_17")


@pytest.fixture
def split(make_keeper, monkeypatch):
    monkeypatch.setitem(scale.SCALES, "smoke", replace(scale.SCALES["smoke"], clips_train=3, clips_test=5))
    return make_keeper(datasets=(CLIPS,)).workshop.splits.decoded(CLIPS, "test")


def test_only_the_frames_asked_for_are_there_with_their_masks(split) -> None:
    assert split.clips.shape[0] == 17
    seen = framed(split, range(9))
    assert seen.clips.shape == (9, *split.clips.shape[1:])
    assert len(seen) == len(seen.clips) == 5
    assert torch.equal(seen.take([3]), split.take([3])[:, :9])
    assert torch.equal(torch.cat(list(seen.batches(2))), split.take(range(5))[:, :9])
    assert torch.equal(seen.labels.foreground, split.labels.foreground[:, :9])
    assert seen.labels.ids == split.labels.ids
    assert torch.equal(framed(split, [16]).take([1]), split.take([1])[:, 16:])


def test_other_frames_are_other_content(split) -> None:
    marks = {framed(split, frames).fingerprint for frames in (range(9), range(8), [8], [9])}
    assert len(marks | {split.fingerprint}) == 5
    assert framed(split, [8]).fingerprint == framed(split, (8,)).fingerprint


@pytest.mark.parametrize("frames", [[], [17], [-1]])
def test_a_frame_that_no_clip_has_is_refused(split, frames: list[int]) -> None:
    with pytest.raises(DataError, match="asked of clips of 17"):
        framed(split, frames)
