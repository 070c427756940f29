"""Labels: one decode a sample, masks before boxes, and shapes that agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.labels import filled, labels_of
from foresight_harness.protocols import Dataset, Sample

Build = Callable[[list[Sample]], Dataset]


def test_labels_decode_each_sample_once_in_order(counted: Any) -> None:
    labels = labels_of(counted)
    assert counted.decoded == [0, 1, 2, 3, 4]
    assert labels.ids == tuple(sample.id for sample in counted.samples)
    assert labels.groups == tuple(sample.group for sample in counted.samples)
    assert labels.names == tuple(sample.labels for sample in counted.samples)
    assert all(torch.equal(boxes, sample.boxes[0]) for boxes, sample in zip(labels.boxes, counted.samples, strict=True))


def test_foreground_is_the_union_of_the_masks(counted: Any) -> None:
    foreground = labels_of(counted).foreground
    assert foreground.shape == (5, 1, 32, 32)
    for one, sample in zip(foreground, counted.samples, strict=True):
        assert sample.masks is not None
        assert torch.equal(one[0], sample.masks[0].any(dim=0))


def test_foreground_is_the_union_of_the_boxes_where_there_are_no_masks(counted: Any, dataset_of: Build) -> None:
    bare = [replace(sample, masks=None) for sample in counted.samples]
    foreground = labels_of(dataset_of(bare)).foreground
    for one, sample in zip(foreground, bare, strict=True):
        left, top, right, bottom = (sample.boxes[0, 0] * 32).round().int().tolist()
        assert one[0, top:bottom, left:right].all()
    boxes = torch.cat([sample.boxes[0] for sample in bare if sample.boxes.shape[1] == 1])
    areas = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) * 32 * 32).round()
    singles = [one.sum() for one, sample in zip(foreground, bare, strict=True) if sample.boxes.shape[1] == 1]
    torch.testing.assert_close(torch.stack(singles).float(), areas)


def test_clips_of_several_frames_keep_the_boxes_of_the_last(dataset_of: Build) -> None:
    boxes = torch.tensor([[[0.0, 0.0, 0.5, 0.5]], [[0.5, 0.5, 1.0, 1.0]]])
    labels = labels_of(dataset_of([Sample("a", "a", torch.zeros(2, 3, 8, 8), boxes)]))
    assert torch.equal(labels.boxes[0], boxes[1])
    assert labels.foreground.shape == (1, 2, 8, 8)
    assert labels.foreground[0, 0, :4, :4].all()
    assert labels.foreground[0, 1, 4:, 4:].all()
    assert int(labels.foreground.sum()) == 32


def test_pictures_without_objects_have_no_foreground(dataset_of: Build) -> None:
    labels = labels_of(dataset_of([Sample("a", "a", torch.zeros(1, 3, 8, 8), torch.zeros(1, 0, 4))]))
    assert not labels.foreground.any()
    assert labels.object_counts() == [0]


def test_a_box_between_two_pixel_centres_keeps_one_pixel() -> None:
    thin = torch.tensor([[0.26, 0.3, 0.27, 0.9], [0.99, 0.99, 1.0, 1.0]])
    covered = filled(thin, 8, 8)
    assert covered[:, 2].sum() == 5
    assert covered[7, 7]
    assert int(covered.sum()) == 6


def test_labels_of_an_empty_set_are_refused(dataset_of: Build) -> None:
    with pytest.raises(DataError, match="counted has no samples in its test split"):
        labels_of(dataset_of([]))


def test_clips_of_two_shapes_have_no_common_foreground(counted: Any) -> None:
    counted.samples[3] = Sample("odd", "odd", torch.zeros(1, 3, 16, 32), torch.zeros(1, 0, 4))
    with pytest.raises(DataError, match="2 shapes"):
        labels_of(counted)
