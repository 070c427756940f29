"""Clips in which every kind moves its own way: motion alone and place alone do not say where the star goes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.identity import stream
from foresight_harness.parts.datasets.kind_drawing import TARGET, Piece
from foresight_harness.parts.datasets.kinds import kinds_shown
from foresight_harness.parts.datasets.motion import heading_of
from foresight_harness.parts.datasets.moving_kinds import LEAST_APART, SPEEDS, MovingKinds, compose
from foresight_harness.protocols import Sample
from scipy.stats import binom, chisquare, ks_2samp
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from torchvision.ops import masks_to_boxes

CANVAS_PX = 64
CHANCE = 0.001

Scene = tuple[tuple[Piece, ...], dict]


@pytest.fixture(scope="module")
def clips() -> list[Sample]:
    dataset = MovingKinds(DataRequest("train", count=32, canvas_px=CANVAS_PX))
    return [dataset[index] for index in range(32)]


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [compose(stream("scenes", index), index % 8, 9) for index in range(800)]


def star_of(pieces: tuple[Piece, ...]) -> int:
    return [piece.kind for piece in pieces].index(TARGET)


def heading(piece: Piece) -> int:
    way = piece.centres[-1] - piece.centres[0]
    return int(np.rint(np.arctan2(way[1], way[0]) / (np.pi / 4))) % 8


def test_the_star_goes_where_its_label_says_at_its_speed(clips: list[Sample]) -> None:
    for sample in clips:
        centre = (sample.boxes[:, 0, :2] + sample.boxes[:, 0, 2:]) / 2
        way = (centre[-1] - centre[0]).numpy()
        wanted = heading_of(sample.motion["direction"]) * sample.motion["speed"] * 8
        assert np.abs(way - wanted).max() < 2.5 / CANVAS_PX


def test_only_the_star_has_boxes_and_masks_and_they_fit_in_every_frame(clips: list[Sample]) -> None:
    for sample in clips:
        assert sample.labels == ("star",)
        assert sample.masks is not None
        assert sample.masks.shape == (9, 1, CANVAS_PX, CANVAS_PX)
        corners = masks_to_boxes(sample.masks[:, 0])
        corners[:, 2:] += 1
        torch.testing.assert_close(sample.boxes[:, 0] * CANVAS_PX, corners)


def test_four_kinds_move_in_four_directions_and_the_star_in_the_labelled_one(scenes: list[Scene]) -> None:
    for pieces, motion in scenes:
        assert len({piece.kind for piece in pieces}) == len({heading(piece) for piece in pieces}) == 4
        assert heading(pieces[star_of(pieces)]) == motion["direction"]
        assert set(motion["directions"]) == {motion["direction"]}


def test_star_and_others_differ_in_nothing_that_moves(scenes: list[Scene]) -> None:
    facts: dict[bool, list[list[float]]] = {True: [], False: []}
    for pieces, _ in scenes:
        for piece in pieces:
            speed = float(np.linalg.norm(piece.centres[1] - piece.centres[0]))
            facts[piece.kind == TARGET].append([piece.reach, piece.angle, speed, *piece.centres[4], *piece.centres[-1]])
    star, rest = np.array(facts[True]), np.array(facts[False])
    assert all(ks_2samp(star[:, column], rest[:, column]).pvalue > CHANCE for column in range(star.shape[1]))
    assert SPEEDS[0] - 1e-9 <= star[:, 2].min() <= star[:, 2].max() <= SPEEDS[1] + 1e-9
    order = np.bincount([star_of(pieces) for pieces, _ in scenes], minlength=4)
    assert chisquare(order).pvalue > CHANCE


def test_knowing_all_four_directions_says_the_stars_no_oftener_than_once_in_four(scenes: list[Scene]) -> None:
    """The best guess from the set of directions: the one that starred oftenest beside the same others, turned alike."""
    half = len(scenes) // 2
    told = [np.sort([heading(piece) for piece in pieces]) for pieces, _ in scenes]
    votes: dict[bytes, np.ndarray] = {}
    right = 0
    for number, (ways, (_, motion)) in enumerate(zip(told, scenes, strict=True)):
        gaps = np.diff(np.append(ways, ways[0] + 8))
        turn = max(range(4), key=lambda place: np.roll(gaps, -place).tolist())
        place = int(np.flatnonzero(np.roll(ways, -turn) == motion["direction"])[0])
        count = votes.setdefault(np.roll(gaps, -turn).tobytes(), np.zeros(4))
        if number < half:
            count[place] += 1
        else:
            right += int(count.argmax() == place)
    assert right <= binom.ppf(1 - CHANCE, len(scenes) - half, 1 / 4)


def test_where_the_star_is_in_the_middle_frame_says_nothing_about_its_direction(scenes: list[Scene]) -> None:
    places = np.array([pieces[star_of(pieces)].centres[4] for pieces, _ in scenes])
    ways = np.array([motion["direction"] for _, motion in scenes])
    half = len(scenes) // 2
    model = make_pipeline(StandardScaler(), PolynomialFeatures(2), LogisticRegression(max_iter=1000))
    right = int((model.fit(places[:half], ways[:half]).predict(places[half:]) == ways[half:]).sum())
    assert right <= binom.ppf(1 - CHANCE, len(scenes) - half, 1 / 8)


def test_most_of_every_object_stays_visible(scenes: list[Scene]) -> None:
    for pieces, _ in scenes[:200]:
        for first, one in enumerate(pieces):
            for other in pieces[first + 1 :]:
                apart = np.linalg.norm(one.centres - other.centres, axis=1).min() / (one.reach + other.reach)
                assert apart >= LEAST_APART


def test_long_clips_bounce_and_say_so() -> None:
    dataset = MovingKinds(DataRequest("train", count=16, canvas_px=32, frames=33))
    found = [dataset[index] for index in range(16)]
    assert all(sample.clip.shape[0] == 33 for sample in found)
    assert any(len(set(sample.motion["directions"])) > 1 for sample in found)


def test_a_clip_without_room_shows_fewer_objects_and_still_the_star(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foresight_harness.parts.datasets.moving_kinds.LEAST_APART", 50.0)
    pieces, motion = compose(stream("crowd"), 3, 9)
    assert [piece.kind for piece in pieces] == [TARGET]
    assert heading(pieces[0]) == motion["direction"] == 3


def test_the_star_can_be_put_at_a_place_in_the_order() -> None:
    assert all(kinds_shown(stream("put", place), 4, place)[place] == TARGET for place in range(4))


def test_another_number_of_frames_is_another_fingerprint() -> None:
    asked = [MovingKinds(DataRequest("train", count=1, canvas_px=32, frames=frames)) for frames in (9, 17)]
    assert asked[0].fingerprint != asked[1].fingerprint
