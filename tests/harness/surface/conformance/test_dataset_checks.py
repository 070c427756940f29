from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from foresight_harness.contracts.specs import DataRequest, DatasetSpec
from foresight_harness.protocols import Sample
from foresight_harness.surface.conformance import dataset_checks as checks
from foresight_harness.testing import ConformanceError

REQUEST = DataRequest(split="train", count=4, canvas_px=32)


class Squares:
    """One white square on noise in each of two frames. Honest unless ``fault`` names a fault."""

    name = "squares"

    def __init__(self, request: DataRequest, fault: str) -> None:
        self.split: str = request.split
        self.request = request
        self.fault = fault
        told = {
            "fingerprint_without_seed": replace(request, seed=0),
            "fingerprint_without_split": replace(request, split="train"),
            "fingerprint_without_count": replace(request, count=0),
            "fingerprint_without_canvas": replace(request, canvas_px=1),
        }.get(fault, request)
        self.fingerprint = hashlib.sha256(f"{told}".encode()).hexdigest()
        if fault == "short_fingerprint":
            self.fingerprint = f"{told.seed}"
        self.looks = 0

    def __len__(self) -> int:
        return 0 if self.fault == "empty" else (self.request.count or 0) + (self.fault == "too_many")

    def __getitem__(self, index: int) -> Sample:
        if index >= len(self) and self.fault != "endless":
            raise IndexError(index)
        self.looks += 1
        split = "train" if self.fault == "leaking" else self.split
        key = f"{self.request.seed}{split}{index}{self.looks if self.fault == 'order' else ''}"
        generator = torch.Generator().manual_seed(int(hashlib.sha256(key.encode()).hexdigest()[:8], 16))
        side = self.request.canvas_px
        if self.fault == "global_generator":
            clip = torch.rand(2, 3, side, side) / 2
        else:
            clip = torch.rand(2, 3, side, side, generator=generator) / 2
        low = torch.randint(0, side // 2, (2,), generator=generator)
        masks = torch.zeros(2, 1, side, side, dtype=torch.bool)
        masks[:, :, low[1] : low[1] + 6, low[0] : low[0] + 9] = True
        clip = clip.masked_fill(masks, 1.0)
        low = low.float()
        box = torch.tensor([low[0], low[1], low[0] + 9, low[1] + 6]) / side
        sample = Sample(f"{self.split}-{index}", f"{split}-{index}", clip, box.repeat(2, 1, 1), masks, ("square",))
        return _spoil(sample, self.fault)


def _spoil(sample: Sample, fault: str) -> Sample:
    side = sample.clip.shape[-1]
    box = sample.boxes
    spoilt = {
        "same_id": {"id": "x"},
        "bytes": {"clip": sample.clip * 255},
        "double": {"clip": sample.clip.double()},
        "other_canvas": {"clip": sample.clip[..., 1:]},
        "blank": {"clip": torch.zeros_like(sample.clip)},
        "no_group": {"group": ""},
        "boxes_in_pixels": {"boxes": box * side},
        "boxes_xywh": {"boxes": torch.cat([box[..., 2:], box[..., :2]], -1)},
        "boxes_yx": {"boxes": box[..., [1, 0, 3, 2]]},
        "boxes_without_frames": {"boxes": box[0]},
        "no_boxes": {"boxes": box[:, :0], "masks": None, "labels": ()},
        "extra_label": {"labels": ("square", "square")},
        "no_masks": {"masks": None},
        "empty_mask": {"masks": torch.zeros(2, 1, side, side, dtype=torch.bool)},
        "float_masks": {"masks": torch.ones(2, 1, side, side)},
        "mirrored_masks": {"masks": None if sample.masks is None else sample.masks.flip(-1)},
    }.get(fault, {})
    return replace(sample, **spoilt)  # type: ignore[arg-type]


def make_spec(fault: str = "") -> DatasetSpec:
    labels = {"boxes", "masks"} | ({"motion"} if fault == "no_motion" else set())
    video = fault != "declared_still"
    return DatasetSpec("squares", lambda request: Squares(request, fault), frozenset(labels), video=video)


def check_labels(spec: DatasetSpec) -> None:
    checks.check_labels(spec, REQUEST, tolerance_px=1, occlusion=False)


CHECKS: dict[str, Callable[[DatasetSpec], None]] = {
    "count": lambda spec: checks.check_count(spec, REQUEST),
    "clips": lambda spec: checks.check_clips(spec, REQUEST),
    "labels": check_labels,
    "repeatable": lambda spec: checks.check_repeatable(spec, REQUEST),
    "fingerprint": lambda spec: checks.check_fingerprint(spec, REQUEST),
    "splits": lambda spec: checks.check_splits(spec, REQUEST),
}

CAUGHT = [
    *(("count", fault) for fault in ("empty", "too_many", "endless", "same_id")),
    *(("clips", fault) for fault in ("bytes", "double", "other_canvas", "blank", "no_group", "declared_still")),
    *(("labels", fault) for fault in ("boxes_in_pixels", "boxes_xywh", "boxes_yx", "boxes_without_frames")),
    *(("labels", fault) for fault in ("no_boxes", "extra_label", "no_masks", "empty_mask", "float_masks")),
    *(("labels", fault) for fault in ("mirrored_masks", "no_motion")),
    *(("repeatable", fault) for fault in ("order", "global_generator")),
    *(("fingerprint", f"fingerprint_without_{what}") for what in ("seed", "split", "count", "canvas")),
    ("fingerprint", "short_fingerprint"),
    ("splits", "leaking"),
]


@pytest.mark.parametrize("check", list(CHECKS))
def test_an_honest_set_passes_every_check(check: str) -> None:
    CHECKS[check](make_spec())


@pytest.mark.parametrize(("check", "fault"), CAUGHT)
def test_a_planted_fault_is_caught_by_its_check(check: str, fault: str) -> None:
    with pytest.raises(ConformanceError) as caught:
        CHECKS[check](make_spec(fault))
    assert "\n" not in str(caught.value)


def test_every_check_has_a_fault_that_it_catches() -> None:
    assert set(CHECKS) == {check for check, _ in CAUGHT}


def test_visible_masks_inside_whole_boxes_pass_only_where_objects_are_declared_to_hide() -> None:
    masks = torch.zeros(1, 1, 10, 10, dtype=torch.bool)
    masks[:, :, 2:5, 2:5] = True
    hidden = Sample("a", "a", torch.rand(1, 3, 10, 10), torch.tensor([[[0.2, 0.2, 0.9, 0.5]]]), masks)

    class One(Squares):
        def __len__(self) -> int:
            return 1

        def __getitem__(self, index: int) -> Sample:
            return hidden

    spec = DatasetSpec("one", lambda request: One(request, ""), frozenset({"masks"}))
    checks.check_labels(spec, REQUEST, tolerance_px=1, occlusion=True)
    with pytest.raises(ConformanceError, match="its box over"):
        checks.check_labels(spec, REQUEST, tolerance_px=1, occlusion=False)
