"""Crowds as COCO counts them: equal to pycocotools on two hundred random sets, and one case by hand."""

from __future__ import annotations

import contextlib
import io
import math
from typing import Any

import numpy as np
import pytest
import torch
from foresight_harness.parts.metrics.average_precision import (
    average_precision,
    average_precision_by_class,
    average_precision_from_matches,
    match_picture,
)
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor

SETS = 200
CLASSES = ("cat", "dog")
THRESHOLDS = (0.5, 0.75)
Names = list[list[str]]


class Scene:
    """Objects, crowds around and beside them, detections near both; pictures with crowds alone among them."""

    def __init__(self, seed: int, pictures: int = 8) -> None:
        rng = np.random.default_rng(seed)
        self.true, self.crowds, self.boxes, self.scores = [], [], [], []
        for _ in range(pictures):
            true = _boxes(rng, int(rng.integers(0, 4)))
            crowds = _boxes(rng, int(rng.integers(0, 3)))
            inside = [_within(rng, crowd) for crowd in crowds for _ in range(int(rng.integers(0, 4)))]
            near = torch.cat([true, crowds])
            near = (near + torch.tensor(rng.normal(0, 0.04, near.shape))).clamp(0, 1)
            near[:, 2:] = torch.maximum(near[:, :2], near[:, 2:])
            found = torch.cat([near, _boxes(rng, int(rng.integers(0, 4))), *[box[None] for box in inside]])
            self.true.append(true)
            self.crowds.append(crowds)
            self.boxes.append(found)
            self.scores.append(torch.tensor(np.round(rng.random(len(found)), 1 if seed % 2 else 6)))

        def named(boxes: list[Tensor]) -> Names:
            return [[str(rng.choice(CLASSES)) for _ in rows] for rows in boxes]

        self.names, self.true_names, self.crowd_names = named(self.boxes), named(self.true), named(self.crowds)


def _boxes(rng: np.random.Generator, count: int) -> Tensor:
    return torch.tensor(np.sort(rng.random((count, 2, 2)), axis=1).reshape(count, 4))


def _within(rng: np.random.Generator, crowd: Tensor) -> Tensor:
    low, high = crowd[:2], crowd[2:]
    corners = torch.tensor(np.sort(rng.random((2, 2)), axis=0))
    return (low + corners * (high - low)).reshape(4)


def by_pycocotools(scene: Scene, names: Names, true_names: Names, crowd_names: Names) -> dict[str, list[float]]:
    """AP at 0.5 and 0.75 by class, by the reference implementation."""
    classes = sorted({name for picture in (*names, *true_names, *crowd_names) for name in picture})

    def entries(boxes: list[Tensor], labels: Names, **more: Any) -> list[dict[str, Any]]:
        found = []
        for picture, (rows, words) in enumerate(zip(boxes, labels, strict=True)):
            for (x1, y1, x2, y2), word in zip(rows.tolist(), words, strict=True):
                box = [x1, y1, x2 - x1, y2 - y1]
                found.append({"image_id": picture, "category_id": classes.index(word), "bbox": box, **more})
        return found

    truth, result = COCO(), entries(scene.boxes, names)
    for entry, score in zip(result, torch.cat(scene.scores).tolist(), strict=True):
        entry["score"] = score
    objects = entries(scene.true, true_names, iscrowd=0) + entries(scene.crowds, crowd_names, iscrowd=1)
    for index, entry in enumerate(objects, start=1):
        entry |= {"id": index, "area": entry["bbox"][2] * entry["bbox"][3]}
    truth.dataset = {
        "images": [{"id": index} for index in range(len(scene.true))],
        "annotations": objects,
        "categories": [{"id": index, "name": name} for index, name in enumerate(classes)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(result), "bbox")
        evaluation.params.iouThrs = np.array(THRESHOLDS)
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0.0, 1e10]], ["all"]
        evaluation.params.maxDets = [100]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    return {name: [float(value) for value in precision[:, :, index].mean(1)] for index, name in enumerate(classes)}


@pytest.mark.parametrize("seed", range(SETS))
def test_precision_with_crowds_equals_pycocotools(seed: int) -> None:
    scene = Scene(seed)
    one, one_true, one_crowd = (
        [["thing"] * len(rows) for rows in of] for of in (scene.boxes, scene.true, scene.crowds)
    )
    expected = by_pycocotools(scene, one, one_true, one_crowd)["thing"]
    found = average_precision(scene.boxes, scene.scores, scene.true, crowds=scene.crowds)
    assert [found[at] for at in THRESHOLDS] == pytest.approx(expected, abs=1e-12)
    for at, value in zip(THRESHOLDS, expected, strict=True):
        pictures = zip(scene.boxes, scene.scores, scene.true, scene.crowds, strict=True)
        matches = [match_picture(boxes, scores, true, at, crowds=crowds) for boxes, scores, true, crowds in pictures]
        assert average_precision_from_matches(matches) == pytest.approx(value, abs=1e-12)
    by_class = average_precision_by_class(
        scene.boxes,
        scene.scores,
        scene.names,
        scene.true,
        scene.true_names,
        crowds=scene.crowds,
        crowd_names=scene.crowd_names,
    )
    reference = by_pycocotools(scene, scene.names, scene.true_names, scene.crowd_names)
    for name in CLASSES:
        wanted = [math.nan if value < 0 else value for value in reference[name]]  # of a class without objects
        assert [by_class[name][at] for at in THRESHOLDS] == pytest.approx(wanted, abs=1e-12, nan_ok=True)


def test_crowds_matter_on_most_of_these_sets() -> None:
    without = [average_precision(s.boxes, s.scores, s.true)[0.5] for s in map(Scene, range(20))]
    within = [average_precision(s.boxes, s.scores, s.true, crowds=s.crowds)[0.5] for s in map(Scene, range(20))]
    assert sum(abs(one - two) > 1e-6 for one, two in zip(without, within, strict=True)) >= 15


def test_a_detection_in_a_crowd_is_neither_right_nor_wrong() -> None:
    true = torch.tensor([[0.0, 0.0, 0.2, 0.2]])
    crowd = torch.tensor([[0.5, 0.5, 1.0, 1.0]])
    found = torch.tensor([[0.6, 0.6, 0.7, 0.7], [0.0, 0.0, 0.2, 0.2], [0.3, 0.3, 0.4, 0.4]])
    scores = torch.tensor([0.9, 0.8, 0.7])
    matches = match_picture(found, scores, true, 0.5, crowds=crowd)
    assert (matches.scores, matches.hits, matches.objects) == (pytest.approx((0.8, 0.7)), (True, False), 1)
    assert average_precision_from_matches([matches]) == pytest.approx(1.0)
    assert average_precision_from_matches([match_picture(found, scores, true, 0.5)]) == pytest.approx(0.5)


def test_an_object_within_a_crowd_is_found_before_the_crowd_counts() -> None:
    box = torch.tensor([[0.5, 0.5, 0.7, 0.7]])
    matches = match_picture(box, torch.tensor([0.9]), box, 0.5, crowds=torch.tensor([[0.0, 0.0, 1.0, 1.0]]))
    assert matches.hits == (True,)
