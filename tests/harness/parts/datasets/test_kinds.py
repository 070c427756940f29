"""One star among other kinds: exact, repeatable, and with nothing but its outline to tell it from the rest."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.identity import stream
from foresight_harness.parts.datasets.kind_drawing import KINDS, TARGET
from foresight_harness.parts.datasets.kinds import GAP, REACHES, Kinds, compose
from foresight_harness.protocols import Sample
from numpy.typing import NDArray
from scipy.stats import binom, chisquare, ks_2samp, kstest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from torch.nn import functional as F
from torchvision.ops import box_iou, masks_to_boxes

SAMPLES = 60
CANVAS_PX = 128
PICTURES = 600
"""Half to fit what tells kinds apart, half to try it."""
CHANCE = 0.001
"""A fixed seed gives one p value; below this it is no accident."""

torch.set_num_threads(1)


def opened(split: str = "train", count: int = SAMPLES, seed: int = 0, canvas_px: int = CANVAS_PX, **how: Any) -> Kinds:
    return Kinds(DataRequest(split, count=count, seed=seed, canvas_px=canvas_px), **how)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    dataset = opened()
    return [dataset[index] for index in range(SAMPLES)]


def test_only_the_star_has_a_box_a_mask_and_a_label(samples: list[Sample]) -> None:
    for sample in samples:
        assert sample.labels == ("star",)
        assert sample.boxes.shape == (1, 1, 4)
        assert sample.masks is not None
        assert sample.masks.shape == (1, 1, CANVAS_PX, CANVAS_PX)


@pytest.mark.parametrize("canvas_px", [96, 128, 224, 448])
def test_the_box_is_the_tight_bound_of_the_mask_of_the_star_at_every_size(canvas_px: int) -> None:
    dataset = opened(canvas_px=canvas_px)
    for index in range(8):
        sample = dataset[index]
        assert sample.masks is not None
        corners = masks_to_boxes(sample.masks[0])
        corners[:, 2:] += 1
        torch.testing.assert_close(sample.boxes[0] * canvas_px, corners)
        star = next(piece for piece in dataset.pieces(index) if piece.kind == TARGET)
        low, high = star.centres[0] - star.reach, star.centres[0] + star.reach
        around = torch.tensor(np.concatenate([low, high]) * canvas_px)
        assert bool((corners[0, :2] >= around[:2] - 1).all() and (corners[0, 2:] <= around[2:] + 1).all())


def test_a_larger_canvas_shows_the_same_scene() -> None:
    small, large = opened(canvas_px=96), opened(canvas_px=448)
    shared = [float(box_iou(small[index].boxes[0], large[index].boxes[0])) for index in range(12)]
    assert min(shared) > 0.75


def test_four_kinds_are_shown_each_once_and_the_star_always() -> None:
    scenes = [[piece.kind for piece in compose(stream("shown", index))] for index in range(800)]
    assert all(len(scene) == len(set(scene)) == 4 and TARGET in scene for scene in scenes)
    shown = Counter(kind for scene in scenes for kind in scene if kind != TARGET)
    assert set(shown) == set(KINDS) - {TARGET}
    assert chisquare(list(shown.values())).pvalue > CHANCE


@pytest.mark.parametrize("shown", [1, 2, 3, 4, 5])
def test_one_to_five_kinds_can_be_shown(shown: int) -> None:
    dataset = opened(count=6, canvas_px=64, name=f"kinds_{shown}", shown=shown)
    for index in range(6):
        assert len(dataset.pieces(index)) == shown
        assert dataset[index].labels == ("star",)
    assert shown == 4 or dataset.fingerprint != opened(count=6, canvas_px=64).fingerprint


def test_kinds_all_shows_the_pictures_of_kinds_with_every_object_labelled() -> None:
    one, every = opened(count=8), opened(count=8, name="kinds_all", everything=True)
    for index in range(8):
        few, all_of_them = one[index], every[index]
        assert torch.equal(few.clip, all_of_them.clip)
        assert few.masks is not None
        assert all_of_them.masks is not None
        assert all_of_them.labels == tuple(piece.kind for piece in one.pieces(index))
        star = all_of_them.labels.index(TARGET)
        assert torch.equal(all_of_them.boxes[:, star : star + 1], few.boxes)
        assert torch.equal(all_of_them.masks[:, star : star + 1], few.masks)
        assert int(all_of_them.masks.sum(dim=1).max()) == 1
    assert one.fingerprint != every.fingerprint


def test_circles_around_objects_stay_apart_and_inside_also_where_five_must_shrink() -> None:
    for index in range(400):
        pieces = compose(stream("apart", index), shown=5)
        places, reaches = np.array([piece.centres[0] for piece in pieces]), np.array([piece.reach for piece in pieces])
        apart = np.linalg.norm(places[:, None] - places[None], axis=2) - reaches[:, None] - reaches[None]
        assert apart[~np.eye(5, dtype=bool)].min() >= GAP - 1e-9
        assert (places - reaches[:, None]).min() >= 0
        assert (places + reaches[:, None]).max() <= 1
        assert REACHES[0] <= reaches.min() <= reaches.max() <= REACHES[1]


def test_place_size_turn_and_order_are_drawn_alike_for_the_star_and_the_rest() -> None:
    scenes = [compose(stream("alike", index)) for index in range(1500)]
    facts: dict[bool, list[tuple[float, ...]]] = {True: [], False: []}
    for scene in scenes:
        for piece in scene:
            facts[piece.kind == TARGET].append((piece.reach, piece.angle, *piece.centres[0]))
    star, rest = np.array(facts[True]), np.array(facts[False])
    for column in range(4):
        assert ks_2samp(star[:, column], rest[:, column]).pvalue > CHANCE
    assert kstest(star[:, 1] / (2 * np.pi), "uniform").pvalue > CHANCE
    order = np.bincount([[piece.kind for piece in scene].index(TARGET) for scene in scenes], minlength=4)
    assert chisquare(order).pvalue > CHANCE


class Objects(NamedTuple):
    """What is seen of the four objects of each picture, by the pixels of picture and masks."""

    star: NDArray[np.int64]
    """Number of the star. [B]"""
    plain: NDArray[np.float64]
    """Mean colour, contrast to what surrounds it, area, place. [B, 4, 10]"""
    outline: NDArray[np.float64]
    """Farthest pixel and mean squared distance from the middle, in units of the area. [B, 4, 2]"""


@pytest.fixture(scope="module")
def seen() -> Objects:
    dataset = opened(count=PICTURES, everything=True, name="kinds_all")
    found = [_described(dataset[index]) for index in range(PICTURES)]
    return Objects(*(np.stack(part) for part in zip(*found, strict=True)))


def _described(sample: Sample) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
    assert sample.masks is not None
    picture, masks = sample.clip[0], sample.masks[0]
    plain, outline = [], []
    rings = F.max_pool2d(masks.float(), 9, 1, 4).bool() & ~masks.any(dim=0)
    for mask, around in zip(masks, rings, strict=True):
        colour = picture[:, mask].mean(dim=1)
        contrast = colour - picture[:, around].mean(dim=1)
        places, area = mask.nonzero().double(), float(mask.sum())
        middle = places.mean(dim=0)
        distance = (places - middle).norm(dim=1) / area**0.5
        plain.append([*colour.tolist(), *contrast.tolist(), float(contrast.norm()), area**0.5, *middle.tolist()])
        outline.append([float(distance.max()), float(distance.square().mean())])
    return sample.labels.index(TARGET), np.array(plain), np.array(outline)


def stars_found(features: NDArray[np.float64], star: NDArray[np.int64]) -> int:
    """Pictures of the second half whose likeliest object is the star, by a classifier fitted to the first half."""
    half = PICTURES // 2
    model = make_pipeline(
        StandardScaler(), PolynomialFeatures(2), StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)
    )
    width = features.shape[-1]
    model.fit(features[:half].reshape(-1, width), (np.arange(4)[None] == star[:half, None]).ravel())
    likely = model.decision_function(features[half:].reshape(-1, width)).reshape(half, 4).argmax(axis=1)
    return int((likely == star[half:]).sum())


def test_colour_contrast_size_and_place_find_the_star_no_oftener_than_chance(seen: Objects) -> None:
    low, high = binom.ppf([CHANCE, 1 - CHANCE], PICTURES // 2, 1 / 4)
    assert low <= stars_found(seen.plain, seen.star) <= high


def test_the_same_classifier_finds_the_star_once_it_is_told_of_the_outline(seen: Objects) -> None:
    told = np.concatenate([seen.plain, seen.outline], axis=2)
    assert stars_found(told, seen.star) > 0.7 * PICTURES / 2


def test_stars_and_the_rest_have_colours_contrasts_and_areas_of_one_distribution(seen: Objects) -> None:
    star = np.arange(4)[None] == seen.star[:, None]
    for column in range(seen.plain.shape[-1]):
        values = seen.plain[..., column]
        assert ks_2samp(values[star], values[~star]).pvalue > CHANCE


def test_a_sample_depends_on_its_index_alone_not_on_count_or_order() -> None:
    few, many = opened(count=3, canvas_px=64), opened(count=30, canvas_px=64)
    later = many[20]
    assert torch.equal(few[2].clip, many[2].clip)
    assert torch.equal(many[20].clip, later.clip)
    assert few[2].id == many[2].id


def test_seed_and_split_give_other_pictures() -> None:
    pictures = [opened(split, 1, seed, 64)[0] for split in ("train", "test") for seed in (0, 1, -1)]
    for index, one in enumerate(pictures):
        for other in pictures[index + 1 :]:
            assert not torch.equal(one.clip, other.clip)
            assert one.id != other.id


def test_train_and_test_share_no_scene() -> None:
    scenes = {
        split: {opened(split, 60, canvas_px=32).pieces(index)[0].centres.tobytes() for index in range(60)}
        for split in ("train", "test")
    }
    assert len(scenes["train"]) == len(scenes["test"]) == 60
    assert not scenes["train"] & scenes["test"]


def test_drawing_takes_a_few_milliseconds_a_picture(least_seconds: Callable[..., float]) -> None:
    dataset = opened()

    def usual() -> float:
        times = []
        for index in range(SAMPLES):
            start = time.process_time()
            dataset[index]
            times.append(time.process_time() - start)
        return sorted(times)[SAMPLES // 2]

    assert least_seconds(usual, 0.02) < 0.02
