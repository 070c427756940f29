"""Matching by hand and by trying all assignments."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from foresight_harness.contracts.batches import Labels
from foresight_harness.parts.probes.boxes import box_iou
from foresight_harness.parts.probes.matching import (
    detection_scores,
    matched_iou,
    matches,
    padded_boxes,
    padded_matched_iou,
)


def random_boxes(count: int, seed: int) -> np.ndarray:
    corners = np.random.default_rng(seed).random((count, 2, 2))
    return np.concatenate([corners.min(1), corners.max(1)], axis=1)


@pytest.mark.parametrize("seed", range(5))
def test_matched_iou_is_the_best_of_all_assignments(seed: int) -> None:
    predicted, true = random_boxes(4, seed), random_boxes(4, seed + 100)
    overlaps = box_iou(predicted[:, None], true[None])
    best = max(overlaps[list(order), range(4)].sum() for order in permutations(range(4))) / 4
    assert matched_iou(predicted, true) == pytest.approx(best)


def test_only_as_many_boxes_as_objects_are_read() -> None:
    true = np.array([[0.0, 0.0, 0.5, 0.5]])
    wrong_then_right = np.array([[0.5, 0.5, 1.0, 1.0], [0.0, 0.0, 0.5, 0.5]])
    assert matched_iou(wrong_then_right, true) == 0
    assert matched_iou(wrong_then_right[::-1], true) == 1


def test_an_object_left_over_scores_zero_and_no_object_is_nan() -> None:
    true = np.array([[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]])
    assert matched_iou(true[:1], true) == 0.5
    assert matched_iou(np.empty((0, 4)), true) == 0
    assert np.isnan(matched_iou(true, np.empty((0, 4))))


def test_padded_matching_is_the_mean_of_single_matchings() -> None:
    counts = [0, 1, 2, 5, 3, 1]
    true = [random_boxes(count, index) for index, count in enumerate(counts)]
    predicted = [random_boxes(count, index + 50) for index, count in enumerate(counts)]
    expected = np.nanmean([matched_iou(one, other) for one, other in zip(predicted, true, strict=True)])
    found = padded_matched_iou(padded_boxes(predicted), padded_boxes(true), np.array(counts))
    assert found == pytest.approx(expected)


def test_components_and_objects_pair_only_where_each_is_the_others_best() -> None:
    true = padded_boxes([np.array([[0.0, 0.0, 0.4, 0.4]]), np.array([[0.0, 0.0, 1.0, 1.0]])])
    placed = np.array([[0.0, 0.0, 0.4, 0.3], [0.0, 0.0, 0.4, 0.4], [0.9, 0.9, 1.0, 1.0], [0.0, 0.0, 0.9, 0.9]])
    index, boxes = matches(placed, np.array([0, 0, 0, 1]), true)
    assert index.tolist() == [1, 3]
    np.testing.assert_allclose(boxes, np.array([[0.0, 0.0, 0.4, 0.4], [0.0, 0.0, 1.0, 1.0]]))


def test_detection_scores_follow_sample_order() -> None:
    box = torch.tensor([[0.0, 0.0, 0.5, 0.5]])
    labels = Labels(("a", "b", "c"), ("a", "b", "c"), [box, box, box[:0]], torch.zeros(3, 1, 4, 4, dtype=torch.bool))
    found = detection_scores([box, torch.tensor([[0.0, 0.0, 0.5, 1.0]]), box], labels)
    np.testing.assert_allclose(found, [1.0, 0.5, np.nan])
