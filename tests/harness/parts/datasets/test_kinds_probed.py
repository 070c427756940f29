"""What the primary probe makes of ``kinds``: a perfect mask is read, raw pixels stay on the floor."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.contracts.batches import GridBatches, Labels, TensorBatches
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.controls.encoders import Pixels
from foresight_harness.parts.datasets.kinds import Kinds
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.probes.boxes import box_iou, floor_scores, mean_box_floor, true_boxes
from foresight_harness.parts.probes.dense_ridge import DenseRidge

PICTURES = 256
CANVAS_PX = 128
FLOOR = 0.10
"""Raw patches score less: the mean box scores 0.05, and to box any object that stands out 0.23 by a perfect box."""
CEILING = 0.85

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def pictures() -> tuple[Kinds, Kinds]:
    return (
        Kinds(DataRequest("train", count=PICTURES, canvas_px=CANVAS_PX)),
        Kinds(DataRequest("test", count=PICTURES, canvas_px=CANVAS_PX)),
    )


@pytest.fixture(scope="module")
def labels(pictures: tuple[Kinds, Kinds]) -> tuple[Labels, Labels]:
    return labels_of(pictures[0]), labels_of(pictures[1])


def scored(labels: tuple[Labels, Labels], train: GridBatches, test: GridBatches) -> float:
    """Mean IoU of the test pictures' stars."""
    probe = DenseRidge()
    probe.fit(train, labels[0], seed=0)
    found = probe.predict(test, labels[1].object_counts())
    boxes = np.stack([one.boxes[0].double().numpy() for one in found])
    return float(box_iou(boxes, np.concatenate(true_boxes(labels[1]))).mean())


def patches(pictures: Kinds) -> TensorBatches:
    clips = torch.stack([pictures[index].clip for index in range(len(pictures))])
    return TensorBatches(Pixels(14, 224).encode(clips, ["patch"])["patch"].tokens)


def test_raw_patches_score_under_a_tenth(pictures: tuple[Kinds, Kinds], labels: tuple[Labels, Labels]) -> None:
    assert scored(labels, patches(pictures[0]), patches(pictures[1])) < FLOOR


def test_a_perfect_mask_is_read(labels: tuple[Labels, Labels]) -> None:
    train, test = (TensorBatches(one.coverage(16, 16)[..., None]) for one in labels)
    assert scored(labels, train, test) > CEILING


def test_the_best_constant_box_scores_about_a_twentieth(labels: tuple[Labels, Labels]) -> None:
    assert 0.02 < float(np.mean(floor_scores(mean_box_floor(labels[0]), labels[1]))) < 0.07
