"""Boxes as arrays: overlap, matching, and the best constant box."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foresight_harness.contracts.batches import Labels
from foresight_harness.contracts.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FLOOR_STEPS = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002)
"""Step lengths of the coordinate search, in sides of the picture."""


def box_iou(first: Floats, second: Floats) -> Floats:
    """Intersection over union of boxes that broadcast against each other. [..., 4], [..., 4] -> [...]"""
    overlap = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    shared = np.clip(overlap, 0, None).prod(-1)
    union = box_area(first) + box_area(second) - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def box_area(boxes: Floats) -> Floats:
    """Area of boxes; 0 where a side is not positive. [..., 4] -> [...]"""
    return np.asarray(np.clip(boxes[..., 2:] - boxes[..., :2], 0, None).prod(-1))


def true_boxes(labels: Labels) -> list[Floats]:
    """The boxes of each sample as arrays. B x [N_i, 4]"""
    return [boxes.double().numpy().reshape(-1, 4) for boxes in labels.boxes]


def mean_box_floor(train: Labels) -> Floats:
    """The constant box that maximises the mean IoU over the train split's objects: the uninformed answer.

    A coordinate search from the mean box, with shrinking steps.

    Returns:
        xyxy in [0, 1]. [4]

    Raises:
        DataError: if no sample has a box.
    """
    objects = np.concatenate([np.empty((0, 4)), *true_boxes(train)])
    if len(objects) == 0:
        raise DataError(f"none of {len(train)} train samples has a box: the box floor needs at least one")
    box = objects.mean(0)
    best = float(box_iou(box, objects).mean())
    moves = np.concatenate([np.eye(4), -np.eye(4), _PAIRS, -_PAIRS])
    for step in FLOOR_STEPS:
        while True:
            tried = np.clip(box + step * moves, 0, 1)
            means = box_iou(tried[:, None], objects[None]).mean(1)
            if means.max() <= best + 1e-12:
                break
            best, box = float(means.max()), tried[means.argmax()]
    return np.asarray(box)


_PAIRS = np.array([(1, 0, 1, 0), (0, 1, 0, 1), (-1, 0, 1, 0), (0, -1, 0, 1), (-1, -1, 1, 1)], dtype=np.float64)
"""Moves and stretches of a whole box; along single edges alone the search can stop on a ridge."""


def floor_scores(box: Floats, labels: Labels) -> Floats:
    """Matched IoU of each sample when the constant box is the answer for every object. NaN without objects. [B]"""
    return np.array([box_iou(box, boxes).mean() if len(boxes) else np.nan for boxes in true_boxes(labels)])
