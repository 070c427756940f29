"""Boxes on a grid, by hand."""

from __future__ import annotations

import pytest
import torch
from foresight_detectors.boxes import Detections, drawn


def _one(box: tuple[float, ...], score: float = 1.0) -> Detections:
    return Detections(torch.tensor([[box]]), torch.tensor([[score]]))


def test_a_box_covers_the_cells_under_it_by_share_and_score() -> None:
    # Columns 0.25 to 0.75, rows 0.5 to 1.0: of 2 x 4 cells, the two middle ones of the lower row.
    found = drawn(_one((0.5, 0.75, 0.5, 0.5), 0.8), (2, 4))[0]
    assert found[..., 0].tolist() == [[0, 0, 0, 0], [0, pytest.approx(0.8), pytest.approx(0.8), 0]]
    half = drawn(_one((0.5, 0.75, 0.25, 0.5), 0.8), (2, 4))[0]
    assert half[1, :, 0].tolist() == [0, pytest.approx(0.4), pytest.approx(0.4), 0]


def test_distances_are_to_the_left_upper_right_and_lower_side() -> None:
    found = drawn(_one((0.5, 0.75, 0.5, 0.5), 0.8), (2, 4))[0]
    assert found[1, 1, 1:].tolist() == pytest.approx([0.125, 0.25, 0.375, 0.25])
    assert found[1, 2, 1:].tolist() == pytest.approx([0.375, 0.25, 0.125, 0.25])
    assert not found[0].any()


def test_of_several_boxes_scores_add_up_and_distances_are_means_by_them() -> None:
    both = Detections(torch.tensor([[[0.5, 0.5, 1.0, 1.0], [0.25, 0.5, 0.5, 1.0]]]), torch.tensor([[0.1, 0.3]]))
    found = drawn(both, (1, 2))[0, 0]
    assert found[:, 0].tolist() == pytest.approx([0.4, 0.1])
    assert found[0, 1:].tolist() == pytest.approx([0.25, 0.5, (0.1 * 0.75 + 0.3 * 0.25) / 0.4, 0.5])


def test_what_lies_in_the_padding_is_cut_off_and_the_rest_is_stretched_to_the_picture() -> None:
    # The upper half of the input is the picture; the box fills its upper half.
    found = drawn(_one((0.5, 0.125, 1.0, 0.25)), (4, 1), (0.5, 1.0))[0, :, 0, 0]
    assert found.tolist() == [1, 1, 0, 0]
    below = drawn(_one((0.5, 0.75, 1.0, 0.5)), (4, 1), (0.5, 1.0))
    assert not below[..., 0].any()


def test_columns_are_no_rows() -> None:
    found = drawn(_one((0.875, 0.125, 0.25, 0.25)), (4, 4))[0, ..., 0]
    assert found.nonzero().tolist() == [[0, 3]]
