"""What is known about the samples of a data set, without their pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from foresight_harness.contracts.batches import Labels
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.protocols import Dataset, Sample


def labels_of(dataset: Dataset) -> Labels:
    """Collect ids, groups, boxes, foreground and class names; every sample is decoded once.

    Raises:
        DataError: if samples differ in frames or size, or the set is empty.
    """
    count = len(dataset)
    if not count:
        raise DataError(f"data set {dataset.name} has no samples in its {dataset.split} split")
    known: list[tuple[str, str, tuple[str, ...], Mapping[str, Any]]] = []
    boxes: list[tuple[list[list[float]], torch.dtype]] = []
    crowds: list[tuple[list[list[float]], tuple[str, ...]]] = []
    shapes: set[tuple[int, ...]] = set()
    # One block for all masks, and boxes as plain numbers until all are there: small tensors kept between the pictures'
    # passing arrays would hold ten times their own size of the heap.
    foreground = torch.empty(0, dtype=torch.bool)
    for index in range(count):
        sample = dataset[index]
        covered = _covered(sample)
        shapes.add(tuple(covered.shape))
        if index == 0:
            foreground = torch.empty((count, *covered.shape), dtype=torch.bool)
        if len(shapes) == 1:
            foreground[index] = covered
        known.append((sample.id, sample.group, sample.labels, sample.motion))
        boxes.append((sample.boxes[-1].tolist(), sample.boxes.dtype))
        crowds.append((sample.crowds[-1].tolist() if sample.crowds is not None else [], sample.crowd_labels))
    if len(shapes) > 1:
        raise DataError(
            f"data set {dataset.name}: clips of {len(shapes)} shapes [T, H_px, W_px] ({min(shapes)}, {max(shapes)}); "
            "all clips of a set have one shape"
        )
    ids, groups, names, motion = zip(*known, strict=True)
    return Labels(
        ids=ids,
        groups=groups,
        boxes=tuple(torch.tensor(rows, dtype=dtype).reshape(-1, 4) for rows, dtype in boxes),
        foreground=foreground,
        names=names,
        motion=motion,
        crowds=tuple(torch.tensor(rows, dtype=torch.float32).reshape(-1, 4) for rows, _ in crowds),
        crowd_names=tuple(names for _, names in crowds),
    )


def _covered(sample: Sample) -> Tensor:
    """The union of the sample's objects. [T, H_px, W_px] bool"""
    if sample.masks is not None:
        return sample.masks.any(dim=1)
    frames, _, height, width = sample.clip.shape
    return torch.stack([filled(sample.boxes[frame], height, width) for frame in range(frames)])


def filled(boxes: Tensor, height: int, width: int) -> Tensor:
    """Pixels that boxes cover: those whose centre lies inside, and the one at the middle of a box that has none.

    Args:
        boxes: xyxy in [0, 1]. [N, 4]
        height: Rows of the picture, in pixels.
        width: Columns of the picture, in pixels.

    Returns:
        Union of the boxes. [H_px, W_px] bool
    """
    ys = (torch.arange(height) + 0.5) / height
    xs = (torch.arange(width) + 0.5) / width
    x0, y0, x1, y1 = boxes.unbind(dim=1)
    rows = (ys >= y0[:, None]) & (ys < y1[:, None])
    cols = (xs >= x0[:, None]) & (xs < x1[:, None])
    # A box between two pixel centres would vanish, and its picture would seem to have one object less.
    rows |= torch.arange(height) == ((y0 + y1) / 2 * height).long().clamp(max=height - 1)[:, None]
    cols |= torch.arange(width) == ((x0 + x1) / 2 * width).long().clamp(max=width - 1)[:, None]
    return (rows[:, :, None] & cols[:, None, :]).any(dim=0)
