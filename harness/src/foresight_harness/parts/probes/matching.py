"""Which predicted box stands for which object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from foresight_harness.contracts.batches import Labels
from foresight_harness.parts.probes.boxes import Floats, Ints, box_iou, true_boxes

LEAST_OVERLAP = 0.1
"""IoU from which a component counts as an object when edges are fitted."""


def matched_iou(predicted: Floats, true: Floats) -> float:
    """Mean IoU over the true objects under the one-to-one assignment that maximises it; an object left over scores 0.

    Args:
        predicted: At most as many boxes as there are objects are read, best first. [M, 4]
        true: [N, 4]

    Returns:
        NaN where there is no true object.
    """
    if len(true) == 0:
        return float("nan")
    overlaps = box_iou(predicted[: len(true), None], true[None, :])
    if len(true) == 1:
        return float(overlaps.sum())
    rows, cols = linear_sum_assignment(overlaps, maximize=True)
    return float(overlaps[rows, cols].sum() / len(true))


def detection_scores(boxes: Sequence[Tensor], labels: Labels) -> Floats:
    """Matched IoU of each sample's predicted boxes, best first. B x [M_i, 4] -> [B]"""
    predicted = [box.double().numpy().reshape(-1, 4) for box in boxes]
    return np.array([matched_iou(one, other) for one, other in zip(predicted, true_boxes(labels), strict=True)])


def padded_boxes(boxes: Sequence[Floats]) -> Floats:
    """Boxes of all samples in one array, zeros where a sample has fewer. B x [N_i, 4] -> [B, N, 4]"""
    counts = np.array([len(box) for box in boxes], dtype=np.int64)
    most = int(counts.max(initial=0))
    padded = np.zeros((len(boxes), most, 4))
    padded[np.arange(most) < counts[:, None]] = np.concatenate([np.empty((0, 4)), *boxes])
    return padded


def padded_matched_iou(predicted: Floats, true: Floats, counts: Ints) -> float:
    """Mean ``matched_iou`` over the samples that have objects: the same number for whole splits at once.

    Args:
        predicted: As many boxes as there are objects, then anything. [B, N, 4]
        true: Boxes padded to one number. [B, N, 4]
        counts: Objects of each sample. [B]
    """
    some = counts > 0
    if not some.any():
        return float("nan")
    overlaps = box_iou(predicted[:, :, None], true[:, None, :])
    scores = overlaps[some, 0, 0].copy()
    for place, index in enumerate(np.flatnonzero(some)):
        count = counts[index]
        if count > 1:
            square = overlaps[index, :count, :count]
            scores[place] = square[linear_sum_assignment(square, maximize=True)].sum() / count
    return float(scores.mean())


def matches(placed: Floats, picture: Ints, true: Floats) -> tuple[Ints, Floats]:
    """Pairs of a component and an object that are each other's best overlap.

    Args:
        placed: Boxes of components. [n, 4]
        picture: Their pictures. [n]
        true: Boxes of all pictures, padded. [B, N, 4]

    Returns:
        Indices of components [m] and the boxes they stand for [m, 4].
    """
    if len(placed) == 0 or true.shape[1] == 0:
        return np.empty(0, dtype=np.int64), np.empty((0, 4))
    overlaps = box_iou(placed[:, None], true[picture])
    own = overlaps.argmax(1)
    value = overlaps[np.arange(len(placed)), own]
    best = np.zeros(true.shape[:2])
    np.maximum.at(best, (picture, own), value)
    mutual = np.flatnonzero((value > LEAST_OVERLAP) & (value >= best[picture, own]))
    return mutual, true[picture[mutual], own[mutual]]
