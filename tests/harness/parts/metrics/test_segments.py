"""Objects found again in decoded pictures: against a case by hand, and on pictures where the answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from foresight_harness import DataRequest
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.metrics.segments import object_iou, object_iou_of_pair
from torch import Tensor


@pytest.fixture(scope="module")
def scenes() -> tuple[Tensor, list[Tensor]]:
    held = Shapes(DataRequest("test", 8, 0, canvas_px=96))
    samples = [held[index] for index in range(8)]
    return torch.stack([sample.clip for sample in samples]), [sample.masks for sample in samples]  # type: ignore[misc]


def square(left: int) -> tuple[Tensor, Tensor]:
    """A white square of 16 px on black. [1, 1, 3, 64, 64], [1, 1, 64, 64]"""
    mask = torch.zeros(1, 1, 64, 64, dtype=torch.bool)
    mask[..., 24:40, left : left + 16] = True
    return mask.float().expand(1, 3, 64, 64)[None].clone(), mask


def test_a_square_that_moved_by_a_quarter_shares_three_fifths_of_the_union() -> None:
    target, mask = square(24)
    moved, _ = square(28)
    assert float(object_iou(moved, target, [mask])) == pytest.approx(12 / 20, abs=0.02)
    assert float(object_iou(target, target, [mask])) == pytest.approx(1.0, abs=0.03)


def test_targets_score_nearly_one_and_pictures_without_their_objects_nearly_none(
    scenes: tuple[Tensor, list[Tensor]],
) -> None:
    target, masks = scenes
    assert float(object_iou(target, target, masks).mean()) > 0.93
    assert float(object_iou(target.mean(0, keepdim=True).expand_as(target), target, masks).mean()) < 0.15
    assert float(object_iou(target.roll(1, 0), target, masks).mean()) < 0.15


def test_it_falls_as_objects_move_away(scenes: tuple[Tensor, list[Tensor]]) -> None:
    target, masks = scenes
    values = [float(object_iou(target.roll(shift, -1), target, masks).mean()) for shift in (0, 2, 5, 12)]
    assert values == sorted(values, reverse=True)
    assert values[0] - values[-1] > 0.4


def test_brightness_of_the_whole_picture_hardly_matters_and_order_of_objects_does_not(
    scenes: tuple[Tensor, list[Tensor]],
) -> None:
    target, masks = scenes
    turned = object_iou(target, target, [planes.flip(1) for planes in masks])
    torch.testing.assert_close(turned, object_iou(target, target, masks))
    assert float(object_iou(target * 0.95, target, masks).mean()) > 0.9


def test_samples_without_masks_are_nan_and_leave_others_alone(scenes: tuple[Tensor, list[Tensor]]) -> None:
    target, masks = scenes
    values = object_iou_of_pair(target[:2], (target[:2], [masks[0], masks[1][:, :0]]))
    assert math.isnan(float(values[1]))
    torch.testing.assert_close(values[:1], object_iou(target[:1], target[:1], masks[:1]))


def test_masks_of_other_samples_or_sizes_are_refused(scenes: tuple[Tensor, list[Tensor]]) -> None:
    target, masks = scenes
    with pytest.raises(DataError, match="masks of 1 samples for 2 clips"):
        object_iou(target[:2], target[:2], masks[:1])
    with pytest.raises(DataError, match=r"masks are \[T, N, H_px, W_px\] of the clip"):
        object_iou(target[:1], target[:1], [masks[0][..., 1:]])


@pytest.mark.parametrize("seed", range(6))
def test_it_is_the_jaccard_index_of_a_nearest_colour_segmentation_of_flat_pictures(seed: int) -> None:
    """Random discs and colours, moved and recoloured; scikit-image draws, scikit-learn classifies and counts."""
    from skimage.draw import disk
    from sklearn.metrics import jaccard_score
    from sklearn.neighbors import NearestCentroid

    random = np.random.default_rng(seed)
    side, radius = 96, int(random.integers(12, 20))
    colours = np.array([[0.1, 0.2, 0.3], [0.9, 0.7, 0.5]]) + random.uniform(-0.1, 0.1, (2, 3))
    centre = random.integers(36, 60, 2)
    shift = random.integers(-radius // 2, radius // 2, 2)
    planes = [np.zeros((side, side), bool), np.zeros((side, side), bool)]
    for plane, place in zip(planes, (centre, centre + shift), strict=True):
        plane[disk(place, radius, shape=plane.shape)] = True
    target, output = (np.where(plane[None], *(colour[:, None, None] for colour in colours[::-1])) for plane in planes)
    output = np.clip(output + random.uniform(-0.1, 0.1, (3, 1, 1)), 0, 1)
    classes = NearestCentroid().fit(target.reshape(3, -1).T, planes[0].ravel())
    expected = jaccard_score(planes[0].ravel(), classes.predict(output.reshape(3, -1).T))
    clips = [torch.from_numpy(picture).float()[None, None] for picture in (output, target)]
    found = float(object_iou(clips[0], clips[1], [torch.from_numpy(planes[0])[None, None]]))
    assert found == pytest.approx(expected, abs=0.03)
    assert expected < 0.97 or not shift.any()
