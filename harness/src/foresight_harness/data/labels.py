"""What is known about the samples of a data set, without their pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from foresight_harness.batches import Labels
from foresight_harness.errors import DataError
from foresight_harness.protocols import Dataset, Sample


def labels_of(dataset: Dataset) -> Labels:
    """Collect ids, groups, boxes, foreground and class names; every sample is decoded once.

    Raises:
        DataError: if samples differ in frames or size, or the set is empty.
    """
    samples = [_without_pixels(dataset[index]) for index in range(len(dataset))]
    if not samples:
        raise DataError(f"data set {dataset.name} has no samples in its {dataset.split} split")
    shapes = {tuple(foreground.shape) for _, foreground in samples}
    if len(shapes) > 1:
        raise DataError(
            f"data set {dataset.name}: clips of {len(shapes)} shapes [T, H_px, W_px] ({min(shapes)}, {max(shapes)}); "
            "all clips of a set have one shape"
        )
    return Labels(
        ids=tuple(sample.id for sample, _ in samples),
        groups=tuple(sample.group for sample, _ in samples),
        boxes=tuple(sample.boxes[-1] for sample, _ in samples),
        foreground=torch.stack([foreground for _, foreground in samples]),
        names=tuple(sample.labels for sample, _ in samples),
        motion=tuple(sample.motion for sample, _ in samples),
    )


def _without_pixels(sample: Sample) -> tuple[Sample, Tensor]:
    """The sample with an empty clip, and the union of its objects. [T, H_px, W_px] bool"""
    bare = Sample(sample.id, sample.group, torch.empty(0), sample.boxes, None, sample.labels, sample.motion)
    if sample.masks is not None:
        return bare, sample.masks.any(dim=1)
    frames, _, height, width = sample.clip.shape
    return bare, torch.stack([filled(sample.boxes[frame], height, width) for frame in range(frames)])


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
