from __future__ import annotations

import itertools
import math

import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.boxes import (
    centre_error,
    matched_iou,
    matched_pairs,
    pairwise_giou,
    pairwise_iou,
    size_error,
)
from torch import Tensor
from torchvision.ops import box_iou, generalized_box_iou

UNIT = torch.tensor([[0.0, 0.0, 0.5, 0.5]])
NONE = torch.zeros(0, 4)


def random_boxes(count: int, generator: torch.Generator) -> Tensor:
    corners = torch.rand(count, 2, 2, generator=generator, dtype=torch.float64).sort(dim=1).values
    return corners.reshape(count, 4)


def test_iou_equals_torchvision(generator: torch.Generator) -> None:
    first, second = random_boxes(40, generator), random_boxes(30, generator)
    assert pairwise_iou(first, second).dtype == torch.float64
    torch.testing.assert_close(pairwise_iou(first, second), box_iou(first, second), rtol=0, atol=1e-12)


def test_giou_equals_torchvision(generator: torch.Generator) -> None:
    first, second = random_boxes(40, generator), random_boxes(30, generator)
    torch.testing.assert_close(pairwise_giou(first, second), generalized_box_iou(first, second), rtol=0, atol=1e-12)


def test_iou_and_giou_by_hand() -> None:
    # Half of the first is shared: 0.125 of 0.375; the enclosing box is filled.
    second = torch.tensor([[0.25, 0.0, 0.75, 0.5], [0.5, 0.5, 1.0, 1.0]])
    assert pairwise_iou(UNIT, second)[0].tolist() == pytest.approx([1 / 3, 0.0])
    assert pairwise_giou(UNIT, second)[0].tolist() == pytest.approx([1 / 3, -0.5])


def test_box_without_area_overlaps_nothing_itself_included() -> None:
    point = torch.tensor([[0.2, 0.2, 0.2, 0.2]])
    assert pairwise_iou(point, torch.cat([point, UNIT])).tolist() == [[0.0, 0.0]]
    assert pairwise_giou(point, point).tolist() == [[-1.0]]
    assert matched_iou([point], [UNIT]).tolist() == [0.0]


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([0.5, 0.0, 0.4, 1.0], r"\(0.5, 0, 0.4, 1\) has x2 < x1 or y2 < y1"),
        ([0.0, 0.5, 1.0, 0.4], r"x2 < x1 or y2 < y1"),
        ([0.0, 0.0, 14.0, 20.0], r"\(0, 0, 14, 20\) leaves \[0, 1\]. Are these pixels"),
        ([-0.1, 0.0, 0.5, 0.5], r"leaves \[0, 1\]"),
        ([0.0, math.nan, 0.5, 0.5], r"box 0 is \(0, nan, 0.5, 0.5\), not finite"),
    ],
)
@pytest.mark.parametrize("metric", [matched_iou, centre_error, size_error])
def test_unusable_boxes_are_refused_on_both_sides(metric: object, box: list[float], message: str) -> None:
    for pair in (([torch.tensor([box])], [UNIT]), ([UNIT], [torch.tensor([box])])):
        with pytest.raises(DataError, match=message) as caught:
            metric(*pair)  # type: ignore[operator]
        assert "\n" not in str(caught.value)


def test_boxes_of_another_shape_are_refused() -> None:
    with pytest.raises(DataError, match=r"boxes are \[N, 4\], got shape \(2, 5\)"):
        pairwise_iou(torch.zeros(2, 5), UNIT)


def test_float32_rounding_at_the_border_is_accepted() -> None:
    assert pairwise_iou(UNIT * 2 + 5e-6, UNIT * 2).item() == pytest.approx(1.0, abs=1e-4)


def test_matching_is_the_best_of_all_assignments(generator: torch.Generator) -> None:
    for _ in range(20):
        predicted, true = random_boxes(4, generator), random_boxes(3, generator)
        iou = box_iou(predicted, true)
        best = max(sum(float(iou[row, col]) for col, row in enumerate(p)) for p in itertools.permutations(range(4), 3))
        rows, cols = matched_pairs(predicted, true)
        assert len(set(rows.tolist())) == len(set(cols.tolist())) == 3
        assert float(iou[rows, cols].sum()) == pytest.approx(best, abs=1e-8)


def test_boxes_without_overlap_are_matched_to_the_nearest() -> None:
    left, right = [0.1, 0.4, 0.2, 0.5], [0.8, 0.4, 0.9, 0.5]
    near_right, near_left = [0.6, 0.4, 0.7, 0.5], [0.3, 0.4, 0.4, 0.5]
    rows, cols = matched_pairs(torch.tensor([near_right, near_left]), torch.tensor([left, right]))
    assert dict(zip(rows.tolist(), cols.tolist(), strict=True)) == {0: 1, 1: 0}


def test_perfect_boxes_score_one_and_no_error_in_any_order(generator: torch.Generator) -> None:
    true = [random_boxes(count, generator) for count in (1, 2, 5)]
    predicted = [boxes.flip(0) for boxes in true]
    assert matched_iou(predicted, true).tolist() == pytest.approx([1.0] * 3)
    assert centre_error(predicted, true).tolist() == pytest.approx([0.0] * 3)
    assert size_error(predicted, true).tolist() == pytest.approx([0.0] * 3)


def test_unmatched_object_counts_the_worst_of_each_metric() -> None:
    objects = torch.tensor([[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]])
    assert matched_iou([UNIT], [objects]).tolist() == [0.5]
    assert centre_error([UNIT], [objects]).tolist() == pytest.approx([math.sqrt(2) / 2])
    assert size_error([UNIT], [objects]).tolist() == [0.5]
    assert matched_iou([NONE], [objects]).tolist() == [0.0]
    assert centre_error([NONE], [objects]).tolist() == pytest.approx([math.sqrt(2)])
    assert size_error([NONE], [objects]).tolist() == [1.0]


@pytest.mark.parametrize("metric", [matched_iou, centre_error, size_error])
def test_picture_without_objects_is_nan_not_zero(metric: object) -> None:
    values = metric([UNIT, UNIT, NONE], [UNIT, NONE, NONE])  # type: ignore[operator]
    assert values.dtype == torch.float64
    assert values.isnan().tolist() == [False, True, True]


def test_predictions_beyond_the_objects_change_nothing(generator: torch.Generator) -> None:
    more = torch.cat([UNIT, torch.tensor([[0.8, 0.8, 0.9, 0.9]])])
    assert matched_iou([more], [UNIT]).tolist() == [1.0]


def test_centre_error_by_hand() -> None:
    assert centre_error([UNIT], [torch.tensor([[0.3, 0.4, 0.8, 0.9]])]).tolist() == pytest.approx([0.5])


def test_size_error_by_hand_is_the_same_both_ways() -> None:
    # Width twice, height equal: (0.5 + 0) / 2.
    wide = torch.tensor([[0.0, 0.0, 1.0, 0.5]])
    assert size_error([UNIT], [wide]).tolist() == size_error([wide], [UNIT]).tolist() == [0.25]
    flat = torch.tensor([[0.0, 0.2, 1.0, 0.2]])
    assert size_error([flat], [wide]).tolist() == [0.5]
    assert size_error([flat], [flat]).tolist() == [0.0]


def test_number_of_pictures_must_agree() -> None:
    with pytest.raises(DataError, match=r"boxes of 1 pictures predicted, but 2 pictures have labels"):
        matched_iou([UNIT], [UNIT, UNIT])
