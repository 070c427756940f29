"""What the primary probe reads from drawn boxes: nearly all where they are right, nothing where they are others'.

The bounds were written down before the first figure: the true mask gives 0.85.
"""

from __future__ import annotations

import pytest
import torch
from foresight_detectors.boxes import Detections, drawn
from foresight_harness.contracts.batches import Labels, TensorBatches
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.labels import labels_of
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.probes.dense_ridge import DenseRidge
from foresight_harness.parts.probes.matching import detection_scores
from torch import Tensor

Splits = tuple[Labels, Labels]


@pytest.fixture(scope="module")
def splits() -> Splits:
    train, test = (Shapes(DataRequest(split, count, canvas_px=128)) for split, count in (("train", 160), ("test", 64)))
    return labels_of(train), labels_of(test)


def _detected(boxes: Tensor, score: float, doubts: int, seed: int) -> Tensor:
    """A picture's true boxes with a score, and boxes anywhere with a hundredth of it. [16, 16, 5]"""
    generator = torch.Generator().manual_seed(seed)
    sure = torch.cat([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], dim=1)
    anywhere = torch.rand(doubts, 4, generator=generator)
    scores = torch.cat([torch.full((len(sure),), score), torch.full((doubts,), score / 100)])
    return drawn(Detections(torch.cat([sure, anywhere]).unsqueeze(0), scores.unsqueeze(0)), (16, 16))[0]


def _iou(splits: Splits, *, doubts: int = 0, others: bool = False) -> float:
    """Mean IoU of the primary probe on drawn boxes; ``others`` are those of the next picture."""

    def grids(labels: Labels) -> Tensor:
        shift = 1 if others else 0
        order = [(place + shift) % len(labels) for place in range(len(labels))]
        return torch.stack([_detected(labels.boxes[at], 0.9, doubts, at) for at in order]).unsqueeze(1)

    train, test = splits
    reader = DenseRidge()
    reader.fit(TensorBatches(grids(train), 50), train, seed=0)
    found = reader.predict(TensorBatches(grids(test), 50), test.object_counts())
    return float(detection_scores([one.boxes for one in found], test).mean())


def test_true_boxes_are_read_well(splits: Splits) -> None:
    assert _iou(splits) >= 0.7


def test_a_hundred_doubtful_boxes_beside_them_cost_little(splits: Splits) -> None:
    assert _iou(splits, doubts=100) >= 0.6


def test_boxes_of_another_picture_say_nothing(splits: Splits) -> None:
    assert _iou(splits, others=True) <= 0.2
