"""COCO's average precision over a data set, and the matches of each picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray
from torch import Tensor

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.boxes import require_boxes
from foresight_harness.parts.metrics.matches import PictureMatches, SortedMatches

Floats = NDArray[np.float64]

MAX_DETECTIONS = 100
"""COCO scores the best 100 detections of a picture (of a picture and class, with classes)."""

THRESHOLDS = (0.5, 0.75)


def average_precision(
    boxes: Sequence[Tensor],
    scores: Sequence[Tensor],
    true_boxes: Sequence[Tensor],
    *,
    crowds: Sequence[Tensor] | None = None,
    thresholds: Sequence[float] = THRESHOLDS,
) -> dict[float, float]:
    """Class-agnostic average precision over a data set, one value an IoU threshold.

    Args:
        boxes: Detections. B x [N_i, 4] xyxy in [0, 1]
        scores: Confidence of each detection. B x [N_i]
        true_boxes: B x [M_i, 4]
        crowds: Regions of many objects: a detection that finds no object of its own and lies in one does not count.
            B x [K_i, 4]; None where there are none.
        thresholds: IoU from which a detection is a hit.

    Returns:
        Value in [0, 1] by threshold; NaN where no picture has an object.

    Source: Lin et al., arXiv 1405.0312; computed by faster-coco-eval, equal to pycocotools.
    """
    names = [("",) * len(picture) for picture in boxes]
    true_names = [("",) * len(picture) for picture in true_boxes]
    crowd_names = None if crowds is None else [("",) * len(picture) for picture in crowds]
    by_class = average_precision_by_class(
        boxes,
        scores,
        names,
        true_boxes,
        true_names,
        crowds=crowds,
        crowd_names=crowd_names,
        thresholds=thresholds,
    )
    return by_class.get("", dict.fromkeys(thresholds, math.nan))


def average_precision_by_class(
    boxes: Sequence[Tensor],
    scores: Sequence[Tensor],
    names: Sequence[Sequence[str]],
    true_boxes: Sequence[Tensor],
    true_names: Sequence[Sequence[str]],
    *,
    crowds: Sequence[Tensor] | None = None,
    crowd_names: Sequence[Sequence[str]] | None = None,
    thresholds: Sequence[float] = THRESHOLDS,
) -> dict[str, dict[float, float]]:
    """Average precision of each class over a data set; detections find objects of their own class only.

    Args:
        boxes: Detections. B x [N_i, 4] xyxy in [0, 1]
        scores: B x [N_i]
        names: Class of each detection. B x N_i
        true_boxes: B x [M_i, 4]
        true_names: B x M_i
        crowds: Regions of many objects of a class, for its detections only. B x [K_i, 4]; None where there are none.
        crowd_names: B x K_i
        thresholds: IoU from which a detection is a hit.

    Returns:
        Value by class and threshold, classes sorted; NaN for a class without objects.
    """
    crowds = [torch.zeros(0, 4)] * len(boxes) if crowds is None else crowds
    crowd_names = [()] * len(boxes) if crowd_names is None else crowd_names
    parts = {"boxes": boxes, "scores": scores, "names": names, "true_boxes": true_boxes, "true_names": true_names}
    _require_lengths(**parts, crowds=crowds, crowd_names=crowd_names)
    classes = sorted({name for picture in (*names, *true_names, *crowd_names) for name in picture})
    ids = {name: index for index, name in enumerate(classes, start=1)}
    objects: list[dict[str, Any]] = []
    detections: list[dict[str, Any]] = []
    for picture in range(len(boxes)):
        found, confidence = _checked(boxes[picture], scores[picture], f"[{picture}]")
        for box, score, name in zip(found.tolist(), confidence.tolist(), names[picture], strict=True):
            detections.append({"image_id": picture + 1, "category_id": ids[name], "bbox": box, "score": score})
        for kind, regions, of in ((0, true_boxes, true_names), (1, crowds, crowd_names)):
            for box, name in zip(_corner_and_sides(regions[picture]).tolist(), of[picture], strict=True):
                objects.append(
                    {
                        "id": len(objects) + 1,  # 0 means "no match" to the evaluator
                        "image_id": picture + 1,
                        "category_id": ids[name],
                        "bbox": box,
                        "area": box[2] * box[3],
                        "iscrowd": kind,
                    }
                )
    if not classes:
        return {}
    truth = COCO(
        {
            "images": [{"id": picture + 1} for picture in range(len(boxes))],
            "categories": [{"id": index, "name": name} for name, index in ids.items()],
            "annotations": objects,
        }
    )
    evaluation = COCOeval_faster(truth, truth.loadRes(detections), "bbox", print_function=_silent)
    evaluation.params.iouThrs = np.asarray(thresholds, dtype=np.float64)
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0.0, 1e10]], ["all"]
    evaluation.params.maxDets = [MAX_DETECTIONS]
    evaluation.evaluate()
    evaluation.accumulate()
    precision = np.asarray(evaluation.eval["precision"])[..., 0, 0]  # [thresholds, recalls, classes]
    with_objects = {entry["category_id"] for entry in objects if not entry["iscrowd"]}
    return {
        name: {
            threshold: float(precision[row, :, ids[name] - 1].mean()) if ids[name] in with_objects else math.nan
            for row, threshold in enumerate(thresholds)
        }
        for name in classes
    }


def match_picture(
    boxes: Tensor, scores: Tensor, true_boxes: Tensor, threshold: float, *, crowds: Tensor | None = None
) -> PictureMatches:
    """Match the detections of one picture as COCO does: best first, each to the free object of greatest overlap.

    A detection that finds no object and lies in a crowd is left out: it is neither right nor wrong.

    Args:
        boxes: [N, 4] xyxy in [0, 1]
        scores: [N]
        true_boxes: [M, 4]
        threshold: IoU from which a detection is a hit, and share of a detection from which it lies in a crowd.
        crowds: [K, 4]; None where there are none.
    """
    return Checked.of(boxes, scores, true_boxes, crowds).matches(threshold)


class Checked(NamedTuple):
    """Boxes of one picture as corner and sides, checked once for all parts of it that are matched."""

    found: Floats
    """Detections. [N, 4]"""
    confidence: Floats
    """[N]"""
    objects: Floats
    """[M, 4]"""
    regions: Floats
    """Crowds. [K, 4]"""

    @classmethod
    def of(cls, boxes: Tensor, scores: Tensor, true_boxes: Tensor, crowds: Tensor | None) -> Checked:
        """Raises: DataError if boxes or scores are not what ``match_picture`` takes."""
        regions = np.empty((0, 4)) if crowds is None else _corner_and_sides(crowds)
        return cls(*_checked(boxes, scores, ""), _corner_and_sides(true_boxes), regions)

    def part(self, detections: Sequence[int], objects: Sequence[int]) -> Checked:
        """Some of the detections and objects, with all crowds."""
        chosen = np.asarray(detections, dtype=np.intp)
        mine = np.asarray(objects, dtype=np.intp)
        return Checked(self.found[chosen], self.confidence[chosen], self.objects[mine], self.regions)

    def matches(self, threshold: float) -> PictureMatches:
        """As ``match_picture``."""
        order = np.argsort(-self.confidence, kind="stable")[:MAX_DETECTIONS]
        found, confidence = self.found[order], self.confidence[order]
        iou = _coco_iou(found, self.objects)
        free = np.ones(len(self.objects), dtype=bool)
        least = min(threshold, 1 - 1e-10)
        hit = np.zeros(len(found), dtype=bool)
        for place in np.flatnonzero((iou >= least).any(axis=1)):
            row = iou[place]
            usable = free & (row >= least)
            if usable.any():
                # Among equal overlaps the last object wins, as in the reference implementation.
                best = len(row) - 1 - int(np.argmax(np.where(usable, row, -1.0)[::-1]))
                free[best] = False
                hit[place] = True
        if len(self.regions):
            ignored = np.any(_coco_iou(found, self.regions, crowds=True) >= least, axis=1)
            counts = hit | ~ignored
            confidence, hit = confidence[counts], hit[counts]
        return PictureMatches(tuple(confidence.tolist()), tuple(hit.tolist()), len(self.objects))


def average_precision_from_matches(matches: Sequence[PictureMatches], weights: Sequence[float] | None = None) -> float:
    """Average precision at the matches' threshold, pictures counted ``weights`` times (None: once each).

    For many weights of one data set, build ``SortedMatches`` once.
    """
    row = np.ones((1, len(matches))) if weights is None else np.asarray([weights], dtype=np.float64)
    return float(SortedMatches.of(matches).average_precision(row)[0])


def _checked(boxes: Tensor, scores: Tensor, where: str) -> tuple[Floats, Floats]:
    """Detections as corner and sides, with their scores. [N, 4], [N]"""
    if tuple(scores.shape) != (boxes.shape[0],):
        raise DataError(f"scores{where}: {boxes.shape[0]} boxes have scores of shape {tuple(scores.shape)}")
    if not torch.isfinite(scores).all():
        raise DataError(f"scores{where}: scores are finite, got {[float(score) for score in scores][:8]}")
    return _corner_and_sides(boxes), scores.detach().cpu().numpy().astype(np.float64)


def _corner_and_sides(boxes: Tensor) -> Floats:
    """COCO's x, y, width, height; rounding as in the reference implementation. [N, 4]"""
    corners = require_boxes(boxes, "boxes").cpu().numpy()
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)


def _coco_iou(first: Floats, second: Floats, *, crowds: bool = False) -> Floats:
    """IoU of every pair of boxes given by corner and sides; with crowds the share of the first box. [N, M]"""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, :2] + first[:, None, 2:], second[None, :, :2] + second[None, :, 2:])
    sides = np.clip(high - low, 0.0, None)
    shared = sides[..., 0] * sides[..., 1]
    own = np.broadcast_to((first[:, 2] * first[:, 3])[:, None], shared.shape)
    union = own if crowds else own + (second[:, 2] * second[:, 3])[None, :] - shared
    iou: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return iou


def _require_lengths(**parts: Sequence[Any]) -> None:
    lengths = {name: len(part) for name, part in parts.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"one entry a picture is wanted, got {lengths}")
    for boxes, names in (("boxes", "names"), ("true_boxes", "true_names"), ("crowds", "crowd_names")):
        for picture, (box, name) in enumerate(zip(parts[boxes], parts[names], strict=True)):
            if len(box) != len(name):
                raise DataError(f"{names}[{picture}]: {len(name)} class names for {len(box)} boxes")


def _silent(*_: object) -> None:
    """The evaluator reports progress; callers read values."""
