from __future__ import annotations

import contextlib
import io
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.average_precision import (
    PictureMatches,
    SortedMatches,
    average_precision,
    average_precision_by_class,
    average_precision_from_matches,
    match_picture,
)
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor

NONE = torch.zeros(0, 4)
CLASSES = ("cat", "dog", "owl")


class Scene:
    """A random data set: pictures without objects, without detections, with many, with equal scores."""

    def __init__(self, seed: int, pictures: int = 40, *, decimals: int = 2) -> None:
        rng = np.random.default_rng(seed)
        self.true = [_boxes(rng, int(rng.integers(0, 5))) for _ in range(pictures)]
        self.boxes, self.scores = [], []
        for index, objects in enumerate(self.true):
            near = (objects + torch.tensor(rng.normal(0, 0.03, objects.shape))).clamp(0, 1)
            near[:, 2:] = torch.maximum(near[:, :2], near[:, 2:])
            count = 0 if index % 7 == 0 else 130 if index == 3 else int(rng.integers(0, 6))
            found = torch.cat([near, _boxes(rng, count)]) if index % 7 else NONE.double()
            self.boxes.append(found)
            self.scores.append(torch.tensor(np.round(rng.random(len(found)), decimals)))
        self.true_names = [[str(rng.choice(CLASSES)) for _ in objects] for objects in self.true]
        self.names = [[str(rng.choice([*CLASSES, "yak"])) for _ in found] for found in self.boxes]

    def matches(self, threshold: float) -> list[PictureMatches]:
        triples = zip(self.boxes, self.scores, self.true, strict=True)
        return [match_picture(boxes, scores, true, threshold) for boxes, scores, true in triples]


def _boxes(rng: np.random.Generator, count: int) -> Tensor:
    return torch.tensor(np.sort(rng.random((count, 2, 2)), axis=1).reshape(count, 4))


def pycocotools_precision(scene: Scene, names: list[list[str]], true_names: list[list[str]]) -> dict[str, list[float]]:
    """AP at 0.5 and 0.75 by class, by the reference implementation, in pixels of a 512 px picture."""
    classes = sorted({name for picture in (*names, *true_names) for name in picture})

    def entries(boxes: list[Tensor], labels: list[list[str]]) -> list[dict[str, Any]]:
        found = []
        for picture, (rows, words) in enumerate(zip(boxes, labels, strict=True)):
            for (x1, y1, x2, y2), word in zip((rows * 512).tolist(), words, strict=True):
                box = [x1, y1, x2 - x1, y2 - y1]
                found.append({"image_id": picture, "category_id": classes.index(word), "bbox": box})
        return found

    truth, result = COCO(), entries(scene.boxes, names)
    for entry, score in zip(result, torch.cat(scene.scores).tolist(), strict=True):
        entry["score"] = score
    objects = entries(scene.true, true_names)
    for index, entry in enumerate(objects, start=1):
        entry |= {"id": index, "iscrowd": 0, "area": entry["bbox"][2] * entry["bbox"][3]}
    truth.dataset = {
        "images": [{"id": index} for index in range(len(scene.true))],
        "annotations": objects,
        "categories": [{"id": index, "name": name} for index, name in enumerate(classes)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(result), "bbox")
        evaluation.params.iouThrs = np.array([0.5, 0.75])
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    return {name: [float(value) for value in precision[:, :, index].mean(1)] for index, name in enumerate(classes)}


@pytest.mark.parametrize("seed", range(4))
def test_class_agnostic_precision_equals_pycocotools(seed: int) -> None:
    scene = Scene(seed)
    one = [["thing"] * len(boxes) for boxes in scene.boxes]
    one_true = [["thing"] * len(boxes) for boxes in scene.true]
    expected = pycocotools_precision(scene, one, one_true)["thing"]
    found = average_precision(scene.boxes, scene.scores, scene.true)
    assert [found[0.5], found[0.75]] == pytest.approx(expected, abs=1e-12)
    assert 0.0 < found[0.75] < found[0.5] < 0.95


@pytest.mark.parametrize("seed", range(4))
def test_precision_by_class_equals_pycocotools(seed: int) -> None:
    scene = Scene(seed)
    expected = pycocotools_precision(scene, scene.names, scene.true_names)
    found = average_precision_by_class(scene.boxes, scene.scores, scene.names, scene.true, scene.true_names)
    assert list(found) == ["cat", "dog", "owl", "yak"]
    for name in CLASSES:
        assert [found[name][0.5], found[name][0.75]] == pytest.approx(expected[name], abs=1e-12)
    assert expected["yak"] == [-1.0, -1.0]
    assert all(math.isnan(value) for value in found["yak"].values())


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_precision_from_matches_equals_the_evaluator(seed: int, threshold: float) -> None:
    scene = Scene(seed)
    expected = average_precision(scene.boxes, scene.scores, scene.true, thresholds=[threshold])[threshold]
    assert average_precision_from_matches(scene.matches(threshold)) == pytest.approx(expected, abs=1e-12)


def test_whole_number_weights_equal_pictures_counted_so_often() -> None:
    scene = Scene(5, decimals=12)
    times = np.random.default_rng(0).integers(0, 4, len(scene.true))
    copies = np.repeat(np.arange(len(times)), times)
    repeated = average_precision(*([part[i] for i in copies] for part in (scene.boxes, scene.scores, scene.true)))
    found = average_precision_from_matches(scene.matches(0.5), times.tolist())
    assert found == pytest.approx(repeated[0.5], abs=1e-12)
    assert abs(found - average_precision_from_matches(scene.matches(0.5))) > 1e-4


def test_scale_of_the_weights_changes_nothing() -> None:
    matches = Scene(1).matches(0.5)
    perfect = [PictureMatches((0.9,), (True,), 1)] * 7
    for entries in (matches, perfect):
        whole = average_precision_from_matches(entries)
        assert average_precision_from_matches(entries, [0.1] * len(entries)) == pytest.approx(whole, abs=1e-9)


def test_full_recall_is_reached_under_any_fractions() -> None:
    # Cumulated fractions end a rounding below their sum: without slack the last of 101 recalls would be lost.
    perfect = SortedMatches.of([PictureMatches((0.9,), (True,), 1)] * 50)
    weights = np.random.default_rng(0).dirichlet(np.ones(50), size=100)
    assert float(perfect.average_precision(weights).min()) > 0.999


def test_blocks_of_weights_equal_single_weights() -> None:
    matches = Scene(2).matches(0.5)
    weights = np.random.default_rng(1).dirichlet(np.ones(len(matches)), size=7)
    together = SortedMatches.of(matches).average_precision(weights, block=3)
    assert together.tolist() == pytest.approx([average_precision_from_matches(matches, row) for row in weights])


def test_precision_by_hand() -> None:
    # Hit, miss, hit for two objects: precision 1 up to recall 0.50 (51 points), 2/3 beyond (50 points).
    objects = torch.tensor([[0.0, 0.0, 0.2, 0.2], [0.5, 0.5, 0.7, 0.7]])
    boxes, scores = torch.cat([objects[:1], objects[:1], objects[1:]]), torch.tensor([0.9, 0.8, 0.7])
    matches = match_picture(boxes, scores, objects, 0.5)
    assert matches.hits == (True, False, True)
    expected = (51 + 50 * 2 / 3) / 101
    assert average_precision_from_matches([matches]) == pytest.approx(expected)
    assert average_precision([boxes], [scores], [objects])[0.5] == pytest.approx(expected)


def test_no_detections_score_zero() -> None:
    truth = [torch.tensor([[0.0, 0.0, 0.5, 0.5]])]
    assert average_precision([NONE], [torch.zeros(0)], truth) == {0.5: 0.0, 0.75: 0.0}
    assert average_precision_from_matches([match_picture(NONE, torch.zeros(0), truth[0], 0.5)]) == 0.0


def test_no_objects_anywhere_is_nan() -> None:
    box = torch.tensor([[0.0, 0.0, 0.5, 0.5]])
    for boxes, scores in ((box, torch.ones(1)), (NONE, torch.zeros(0))):
        assert all(math.isnan(value) for value in average_precision([boxes], [scores], [NONE]).values())
        assert math.isnan(average_precision_from_matches([match_picture(boxes, scores, NONE, 0.5)]))


def test_boxes_without_area_match_nothing() -> None:
    point = torch.tensor([[0.5, 0.5, 0.5, 0.5]])
    assert match_picture(point, torch.ones(1), point, 0.5).hits == (False,)
    assert average_precision([point], [torch.ones(1)], [point])[0.5] == 0.0


def test_evaluator_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    scene = Scene(0)
    average_precision(scene.boxes, scene.scores, scene.true)
    assert capfd.readouterr() == ("", "")


def test_matches_survive_strict_json() -> None:
    matches = Scene(3).matches(0.5)
    text = json.dumps([entry.as_json() for entry in matches], allow_nan=False)
    assert [PictureMatches.from_json(entry) for entry in json.loads(text)] == matches


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": None}, "scores are a list of numbers"),
        ({"scores": [True, 0.1]}, "scores are a list of numbers"),
        ({"hits": [1, 0]}, "hits are a list of booleans"),
        ({"scores": [0.5]}, "1 scores, 1 of 2 hits, 1 objects"),
        ({"objects": 0}, "2 scores, 1 of 2 hits, 0 objects"),
        ({"objects": 1.0}, "1.0 objects"),
        ({"scores": [0.1, 0.5]}, "best first"),
        ({"scores": [math.nan, 0.5]}, "finite"),
    ],
)
def test_damaged_matches_are_refused(change: dict[str, Any], message: str) -> None:
    content = {"scores": [0.5, 0.1], "hits": [True, False], "objects": 1}
    assert PictureMatches.from_json(content).objects == 1
    with pytest.raises(DataError, match=message):
        PictureMatches.from_json(content | change)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones((1, 3)), r"\[resamples, 2 pictures\], got shape \(1, 3\)"),
        (np.array([[1.0, -1.0]]), "not negative"),
        (np.array([[1.0, math.nan]]), "finite"),
    ],
)
def test_unusable_weights_are_refused(weights: Any, message: str) -> None:
    table = SortedMatches.of([PictureMatches((0.9,), (True,), 1)] * 2)
    with pytest.raises(DataError, match=message):
        table.average_precision(weights)


def test_scores_that_do_not_fit_are_refused() -> None:
    box = torch.tensor([[0.0, 0.0, 0.5, 0.5]])
    with pytest.raises(DataError, match=r"1 boxes have scores of shape \(2,\)"):
        match_picture(box, torch.ones(2), box, 0.5)
    with pytest.raises(DataError, match="scores are finite"):
        match_picture(box, torch.tensor([math.nan]), box, 0.5)
    with pytest.raises(DataError, match="one entry a picture is wanted"):
        average_precision([box], [torch.ones(1)], [box, box])
    with pytest.raises(DataError, match=r"names\[0\]: 2 class names for 1 boxes"):
        average_precision_by_class([box], [torch.ones(1)], [["a", "b"]], [box], [["a"]])


def test_every_row_is_what_reading_its_curve_recall_by_recall_gives_to_the_last_bit() -> None:
    """The rows of one call are worked on together; alone each is a search of its own curve."""
    table = SortedMatches.of(Scene(3).matches(0.5))
    weights = np.random.default_rng(4).multinomial(
        len(table.objects), np.full(len(table.objects), 1 / len(table.objects)), 64
    )
    weights[0] = 0
    rows = weights.astype(float)
    expected = []
    for row in rows:
        seen, found = np.cumsum(row[table.picture])[table.hits], np.cumsum(row[table.picture[table.hits]])
        precision = np.maximum.accumulate((found / (seen + np.spacing(1)))[::-1])[::-1]
        total = row @ table.objects
        reached = np.searchsorted(found / total, np.linspace(0, 1, 101)) if total else np.empty(0, dtype=int)
        expected.append(precision[reached[reached < len(precision)]].sum() / 101 if total else math.nan)
    np.testing.assert_array_equal(table.average_precision(rows), expected)
