"""Checks of data sets: nothing empty, nothing that changes on a second look, labels that agree with each other."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from foresight_harness.contracts.protocols import Dataset, Sample
from foresight_harness.contracts.specs import DataRequest, DatasetSpec
from foresight_harness.parts.checks.failures import require


def samples(dataset: Dataset) -> list[Sample]:
    """All samples in order."""
    return [dataset[index] for index in range(len(dataset))]


def check_count(spec: DatasetSpec, request: DataRequest) -> None:
    """The set is not empty, gives no more than was asked, and ends where its length says. Raises: ConformanceError."""
    dataset = spec.build(request)
    require(len(dataset) > 0, f"{spec.name} {request.split} is empty")
    require(request.count is None or len(dataset) <= request.count, f"{request.count} asked, {len(dataset)} given")
    require(dataset.split == request.split, f"split {request.split} asked, {dataset.split} given")
    ids = [sample.id for sample in samples(dataset)]
    require(len(set(ids)) == len(ids), f"{spec.name} {request.split}: ids are not unique")
    try:
        dataset[len(dataset)]
    except IndexError:
        return
    require(False, f"{spec.name}: sample {len(dataset)} of {len(dataset)} exists; an IndexError ends iteration")


def check_clips(spec: DatasetSpec, request: DataRequest) -> None:
    """Clips are float32 in [0, 1], on the canvas that was asked for, and not blank. Raises: ConformanceError."""
    for sample in samples(spec.build(request)):
        clip = sample.clip
        side = request.canvas_px
        require(
            clip.ndim == 4 and tuple(clip.shape[1:]) == (3, side, side),
            f"{sample.id}: clip {tuple(clip.shape)}, wanted [T, 3, {side}, {side}]",
        )
        require(clip.dtype == torch.float32, f"{sample.id}: clip is {clip.dtype}")
        require(bool(clip.min() >= 0) and bool(clip.max() <= 1), f"{sample.id}: pixels leave [0, 1]")
        require(bool(clip.std() > 0), f"{sample.id}: the clip is blank")
        require(spec.video or clip.shape[0] == 1, f"{sample.id}: {clip.shape[0]} frames, but video=False is declared")
        require(bool(sample.group), f"{sample.id}: no group")


def check_labels(spec: DatasetSpec, request: DataRequest, *, tolerance_px: float, occlusion: bool) -> None:
    """Declared labels are there; boxes lie inside the picture; masks fill their boxes. Raises: ConformanceError."""
    all_samples = samples(spec.build(request))
    for sample in all_samples:
        frames = sample.clip.shape[0]
        boxes = sample.boxes
        require(
            boxes.ndim == 3 and boxes.shape[0] == frames and boxes.shape[2] == 4,
            f"{sample.id}: boxes {tuple(boxes.shape)}, wanted [{frames}, N, 4]",
        )
        require(bool(((boxes >= 0) & (boxes <= 1)).all()), f"{sample.id}: a box leaves [0, 1]; are they in pixels?")
        require(bool((boxes[..., 2:] > boxes[..., :2]).all()), f"{sample.id}: a box is empty or not xyxy")
        require(
            not sample.labels or len(sample.labels) == boxes.shape[1],
            f"{sample.id}: {len(sample.labels)} labels for {boxes.shape[1]} boxes",
        )
        if sample.masks is not None:
            _check_masks(sample, sample.masks, tolerance_px=tolerance_px, occlusion=occlusion)
    if "boxes" in spec.labels:
        require(any(s.boxes.shape[1] > 0 for s in all_samples), f"{spec.name} declares boxes, and no sample has one")
    if "masks" in spec.labels:
        absent = [s.id for s in all_samples if s.masks is None]
        require(not absent, f"{spec.name} declares masks, and {absent[0] if absent else ''} has none")
    if "motion" in spec.labels:
        absent = [s.id for s in all_samples if not s.motion]
        require(not absent, f"{spec.name} declares motion, and {absent[0] if absent else ''} has none")


def check_repeatable(spec: DatasetSpec, request: DataRequest) -> None:
    """The same request gives the same samples in any order of access, whatever the global generators. Raises:
    ConformanceError."""
    torch.manual_seed(1)
    first = spec.build(request)
    forward = samples(first)
    torch.manual_seed(2)
    second = spec.build(request)
    backward = [second[index] for index in reversed(range(len(second)))][::-1]
    require(first.fingerprint == second.fingerprint, f"{spec.name}: one request gives two fingerprints")
    require(len(forward) == len(backward), f"{spec.name}: one request gives {len(forward)} and {len(backward)} samples")
    for one, two in zip(forward, backward, strict=True):
        require(_same(one, two), f"{one.id}: a second look shows another sample")


def check_fingerprint(spec: DatasetSpec, request: DataRequest) -> None:
    """Every choice that changes the samples changes the fingerprint. Raises: ConformanceError."""
    base = spec.build(request).fingerprint
    require(len(base) == 64 and set(base) <= set("0123456789abcdef"), f"{spec.name}: {base!r} is not a sha256")
    other_split: DataRequest = replace(request, split="test" if request.split == "train" else "train")
    changes = {
        "seed": replace(request, seed=request.seed + 1),
        "split": other_split,
        "canvas_px": replace(request, canvas_px=2 * request.canvas_px),
    }
    if request.count is not None and request.count > 1:
        changes["count"] = replace(request, count=request.count - 1)
    for what, changed in changes.items():
        require(spec.build(changed).fingerprint != base, f"{spec.name}: another {what} has the same fingerprint")


def check_splits(spec: DatasetSpec, request: DataRequest) -> None:
    """No picture stands in both splits. Raises: ConformanceError."""
    train, test = (samples(spec.build(replace(request, split=split))) for split in ("train", "test"))
    shared = {sample.group for sample in train} & {sample.group for sample in test}
    require(not shared, f"{spec.name}: group {min(shared, default='')} is in train and in test")
    for one in train:
        for two in test:
            same = one.clip.shape == two.clip.shape and torch.equal(one.clip, two.clip)
            require(not same, f"{spec.name}: {one.id} of train is {two.id} of test")


def _check_masks(sample: Sample, masks: Tensor, *, tolerance_px: float, occlusion: bool) -> None:
    frames, _, rows, cols = sample.clip.shape
    wanted = (frames, sample.boxes.shape[1], rows, cols)
    require(tuple(masks.shape) == wanted, f"{sample.id}: masks {tuple(masks.shape)}, wanted {wanted}")
    require(masks.dtype == torch.bool, f"{sample.id}: masks are {masks.dtype}, wanted bool")
    scale = torch.tensor([cols, rows, cols, rows])
    for frame in range(frames):
        for index in range(masks.shape[1]):
            ys, xs = masks[frame, index].nonzero(as_tuple=True)
            if occlusion and ys.numel() == 0:
                continue
            require(ys.numel() > 0, f"{sample.id}: object {index} has an empty mask")
            extent = torch.stack([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]).float()
            box = sample.boxes[frame, index] * scale
            inside = torch.cat([box[:2] - extent[:2], extent[2:] - box[2:]]).max()
            off = inside if occlusion else (box - extent).abs().max()
            require(
                float(off) <= tolerance_px,
                f"{sample.id}: mask {index} extends over {extent.tolist()} px, its box over {box.tolist()} px",
            )


def _same(one: Sample, two: Sample) -> bool:
    masks_same = (one.masks is None) == (two.masks is None) and (
        one.masks is None or two.masks is None or torch.equal(one.masks, two.masks)
    )
    facts_same = (one.id, one.group, one.labels, one.motion) == (two.id, two.group, two.labels, two.motion)
    return facts_same and masks_same and torch.equal(one.clip, two.clip) and torch.equal(one.boxes, two.boxes)
