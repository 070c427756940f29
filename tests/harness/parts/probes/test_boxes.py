"""Overlaps by hand, and the constant box against a finer search."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.contracts.batches import Labels
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.probes.boxes import box_iou, floor_scores, mean_box_floor
from torch import Tensor
from torchvision.ops import box_iou as torchvision_iou


def labels(*boxes: list[list[float]]) -> Labels:
    tensors: list[Tensor] = [torch.tensor(one).reshape(-1, 4) for one in boxes]
    names = tuple(str(index) for index in range(len(boxes)))
    return Labels(names, names, tensors, torch.zeros(len(boxes), 1, 4, 4, dtype=torch.bool))


def random_boxes(count: int, seed: int) -> np.ndarray:
    corners = np.random.default_rng(seed).random((count, 2, 2))
    return np.concatenate([corners.min(1), corners.max(1)], axis=1)


def test_iou_is_torchvisions() -> None:
    first, second = random_boxes(20, 0), random_boxes(30, 1)
    expected = torchvision_iou(torch.from_numpy(first), torch.from_numpy(second)).numpy()
    np.testing.assert_allclose(box_iou(first[:, None], second[None]), expected, atol=1e-12)


def test_iou_of_a_box_without_area_is_zero_and_not_nan() -> None:
    point = np.array([0.5, 0.5, 0.5, 0.5])
    assert box_iou(point, point) == 0
    assert box_iou(np.array([0.6, 0.0, 0.4, 1.0]), np.array([0.0, 0.0, 1.0, 1.0])) == 0


def test_constant_box_of_equal_objects_is_that_object() -> None:
    box = mean_box_floor(labels([[0.1, 0.2, 0.5, 0.7]], [[0.1, 0.2, 0.5, 0.7]]))
    np.testing.assert_allclose(box, [0.1, 0.2, 0.5, 0.7], atol=1e-6)


def test_constant_box_is_not_beaten_by_a_random_search() -> None:
    objects = random_boxes(60, 2)
    found = mean_box_floor(labels(*[[one.tolist()] for one in objects]))
    best = box_iou(found, objects).mean()
    tried = random_boxes(20000, 3)
    assert best >= box_iou(tried[:, None], objects[None]).mean(1).max() - 1e-6
    assert best > box_iou(objects.mean(0), objects).mean()


def test_floor_scores_average_over_the_objects_and_are_nan_without_any() -> None:
    box = np.array([0.0, 0.0, 0.5, 1.0])
    found = floor_scores(box, labels([[0, 0, 1, 1], [0, 0, 0.5, 0.5]], []))
    assert found[0] == pytest.approx(0.5)
    assert np.isnan(found[1])


def test_constant_box_needs_an_object() -> None:
    with pytest.raises(DataError, match="none of 1 train samples has a box"):
        mean_box_floor(labels([]))
