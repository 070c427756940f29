"""The ten kinds of clips: each shows what its name says."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.clip_kinds import DebugClips
from foresight_harness.parts.datasets.clip_scenes import SCENES
from foresight_harness.parts.datasets.motion import heading_of

CANVAS_PX = 96
ROUNDS = 4


@pytest.fixture(scope="module")
def by_kind() -> dict[str, list]:
    dataset = DebugClips(DataRequest("train", count=10 * ROUNDS, canvas_px=CANVAS_PX))
    found: dict[str, list] = {}
    for sample in (dataset[index] for index in range(len(dataset))):
        found.setdefault(sample.motion["action"], []).append(sample)
    return found


def way(sample, number: int = -1) -> np.ndarray:
    boxes = sample.boxes[:, number]
    middles = ((boxes[:, :2] + boxes[:, 2:]) / 2).numpy()
    return middles[-1] - middles[0]


def test_there_are_ten_kinds_in_turns(by_kind) -> None:
    assert list(by_kind) == list(SCENES)
    assert len(SCENES) == 10
    assert {len(samples) for samples in by_kind.values()} == {ROUNDS}


@pytest.mark.parametrize(("name", "objects"), [("one object, still", 1), ("several objects, still", 3)])
def test_what_is_still_does_not_move(by_kind, name: str, objects: int) -> None:
    for sample in by_kind[name]:
        assert len(sample.labels) == objects
        assert bool((sample.masks == sample.masks[:1]).all())
        assert "direction" not in sample.motion


@pytest.mark.parametrize("name", ["one object, moving", "one object, turning and moving", "fine texture"])
def test_what_moves_goes_where_its_label_says(by_kind, name: str) -> None:
    for sample in by_kind[name]:
        wanted = 8 * sample.motion["speed"] * heading_of(sample.motion["direction"])
        assert np.abs(way(sample) - wanted).max() < 0.06


def test_only_what_turns_turns(by_kind) -> None:
    """Shifted onto itself, a mask that does not turn is the same."""

    def kept(sample) -> float:
        first, last = (sample.masks[frame, 0].numpy() for frame in (0, 2))
        shift = np.rint((way(sample) / 4) * CANVAS_PX).astype(int)
        moved = np.roll(first, (shift[1], shift[0]), axis=(0, 1))
        return (moved & last).sum() / (moved | last).sum()

    still = [kept(sample) for sample in by_kind["one object, moving"]]
    turning = [kept(sample) for sample in by_kind["one object, turning and moving"]]
    assert min(still) > 0.8
    assert np.mean(turning) < np.mean(still) - 0.05


def test_balls_meet_and_a_hand_carries_its_object(by_kind) -> None:
    assert all(sample.motion["collisions"] for sample in by_kind["several objects, meeting"])
    for sample in by_kind["hand with an object"]:
        assert sample.labels[0] == "hand"
        assert float(sample.boxes[:, 0, 3].min()) == 1  # from the lower edge
        assert np.abs(way(sample, 0)[0]) > 0.1
        assert np.sign(way(sample, 0)[0]) == np.sign(way(sample, 1)[0])


def test_a_walker_moves_to_one_side_and_legs_open_and_close(by_kind) -> None:
    for sample in by_kind["person walking"]:
        assert sample.motion["direction"] in (0, 4)
        assert np.sign(way(sample)[0]) == heading_of(sample.motion["direction"])[0]
        widths = (sample.boxes[:, 0, 2] - sample.boxes[:, 0, 0]).numpy()
        assert widths.max() > 1.5 * widths.min()
        assert (sample.boxes[:, 0, 3] > 0.85).all()


def test_a_sign_holds_letters_lighter_than_itself(by_kind) -> None:
    for sample in by_kind["sign with letters"]:
        light = sample.clip[4].mean(0)[sample.masks[4, 0]]
        assert 0.1 < float((light > 0.75).float().mean()) < 0.6
        assert float(light.quantile(0.2)) < 0.5


def test_fine_texture_is_finer_than_any_other_background(by_kind) -> None:
    def grain(sample) -> float:
        behind = ~sample.masks[0].any(0)
        picture = sample.clip.mean(0).mean(0)  # over frames, which takes the noise away
        return float((picture[1:] - picture[:-1]).abs()[behind[1:]].mean())

    fine = min(grain(sample) for sample in by_kind["fine texture"])
    assert fine > 2 * np.mean([grain(sample) for sample in by_kind["one object, still"]])


def test_rapid_motion_is_smeared_along_its_way(by_kind) -> None:
    """What is half covered lies beside the mask; without motion an edge is sharp."""
    for sample in by_kind["rapid motion"]:
        assert np.linalg.norm(np.diff(_middles(sample), axis=0)[:2], axis=1).mean() > 0.06
    assert sample.masks.flatten(2).any(-1).all()


def _middles(sample) -> np.ndarray:
    return ((sample.boxes[:, 0, :2] + sample.boxes[:, 0, 2:]) / 2).numpy()


def test_splits_share_no_clip() -> None:
    train, test = (DebugClips(DataRequest(split, count=10, canvas_px=32)) for split in ("train", "test"))
    seen = {train[index].clip.numpy().tobytes() for index in range(10)}
    assert not seen & {test[index].clip.numpy().tobytes() for index in range(10)}
