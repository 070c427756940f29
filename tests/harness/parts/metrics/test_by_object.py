from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.parts.metrics.average_precision import (
    PictureMatches,
    SortedMatches,
    match_picture,
)
from foresight_harness.parts.metrics.boxes import centre_error, matched_iou
from foresight_harness.parts.metrics.by_object import (
    average_precision_of_classes,
    each_object,
    owners,
    parts_of,
    picture_by_object,
    place_of,
    size_of,
)
from torch import Tensor

NO_CROWD = torch.zeros(0, 4)
NAMES = ("bar", "disc", "ring")


def drawn(random: np.random.Generator, count: int) -> Tensor:
    corner, side = random.uniform(0, 0.7, (count, 2)), random.uniform(0.05, 0.3, (count, 2))
    return torch.tensor(np.concatenate([corner, corner + side], axis=1), dtype=torch.float32).reshape(-1, 4)


def near(random: np.random.Generator, objects: Tensor, more: int) -> Tensor:
    """Detections around objects, and some anywhere."""
    moved = objects + torch.tensor(random.normal(0, 0.02, objects.shape), dtype=torch.float32)
    low, high = moved[:, :2].clamp(0, 1), moved[:, 2:].clamp(0, 1)
    around = torch.cat([torch.minimum(low, high), torch.maximum(low, high)], dim=1)
    return torch.cat([around, drawn(random, more)])[random.permutation(len(objects) + more)]


@pytest.mark.parametrize(
    ("box", "size", "place"),
    [
        ((0.45, 0.45, 0.5, 0.5), "small", "middle"),
        ((0.0, 0.0, 0.2, 0.2), "medium", "border"),
        ((0.3, 0.3, 0.7, 0.7), "large", "middle"),
        ((0.4, 0.9, 0.6, 1.0), "medium", "border"),
        ((0.0, 0.0, 1.0, 1.0), "large", "middle"),
        ((0.95, 0.4, 1.0, 0.5), "small", "border"),
    ],
)
def test_sizes_are_shares_of_the_picture_and_places_those_of_the_centre(
    box: tuple[float, ...], size: str, place: str
) -> None:
    assert (size_of(box), place_of(box)) == (size, place)
    assert parts_of(torch.tensor([box]), ["cat"]) == [{"class": "cat", "size": size, "place": place}]
    assert "class" not in parts_of(torch.tensor([box]), [])[0]


def test_a_detection_is_counted_for_the_object_that_it_overlaps_most_else_the_nearest() -> None:
    objects = torch.tensor([[0.0, 0.0, 0.4, 0.4], [0.3, 0.3, 0.9, 0.9]])
    boxes = torch.tensor([[0.1, 0.1, 0.4, 0.4], [0.35, 0.35, 0.8, 0.8], [0.95, 0.95, 1.0, 1.0], [0.0, 0.5, 0.05, 0.6]])
    assert owners(boxes, objects) == [0, 1, 1, 0]


@pytest.mark.parametrize("seed", range(20))
def test_means_over_objects_are_the_metrics_of_the_picture(seed: int) -> None:
    random = np.random.default_rng(seed)
    objects = drawn(random, int(random.integers(1, 6)))
    predicted = drawn(random, int(random.integers(0, 6)))
    ious, errors = each_object(predicted, objects)
    assert len(ious) == len(errors) == len(objects)
    assert np.mean(ious) == pytest.approx(float(matched_iou([predicted], [objects])))
    assert np.mean(errors) == pytest.approx(float(centre_error([predicted], [objects])))


@pytest.mark.parametrize("seed", range(50))
def test_matches_of_a_class_give_the_average_precision_of_that_class(seed: int) -> None:
    """Two ways to one number: kept matches weighed by us, and COCO's evaluator over named detections."""
    random = np.random.default_rng(seed)
    pictures = []
    for _ in range(12):
        objects = drawn(random, int(random.integers(0, 5)))
        boxes = near(random, objects, int(random.integers(1, 6)))
        scores = torch.tensor(np.sort(random.uniform(0, 1, len(boxes)))[::-1].copy())
        pictures.append((boxes, scores, objects, [str(name) for name in random.choice(NAMES, len(objects))]))
    boxes, scores, objects, names = (list(part) for part in zip(*pictures, strict=True))
    expected = average_precision_of_classes(boxes, scores, objects, names, 0.5)
    parted = [picture_by_object(*picture, NO_CROWD, 0.5)["parts"] for picture in pictures]
    assert set(expected) == {name for each in names for name in each}
    for name, value in expected.items():
        empty = {"scores": [], "hits": [], "objects": 0}
        kept = [PictureMatches.from_json(each.get("class", {}).get(name, empty)) for each in parted]
        found = SortedMatches.of(kept).average_precision(np.ones((1, len(kept))))[0]
        assert found == pytest.approx(value, abs=1e-12), name


def test_one_part_that_holds_all_objects_has_the_matches_of_the_picture() -> None:
    objects = torch.tensor([[0.3, 0.3, 0.7, 0.7], [0.2, 0.2, 0.6, 0.6]])
    boxes, scores = near(np.random.default_rng(3), objects, 3), torch.linspace(1, 0.1, 5)
    found = picture_by_object(boxes, scores, objects, ("cat", "cat"), NO_CROWD, 0.5)
    whole = match_picture(boxes, scores, objects, 0.5).as_json()
    assert found["parts"]["class"]["cat"] == found["parts"]["size"]["large"] == whole
    assert [each["class"] for each in found["each"]] == ["cat", "cat"]


def test_a_picture_without_objects_has_no_parts() -> None:
    found = picture_by_object(torch.rand(0, 4), torch.rand(0), torch.zeros(0, 4), (), NO_CROWD, 0.5)
    assert found == {"each": [], "parts": {}}
