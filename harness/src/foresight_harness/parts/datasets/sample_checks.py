"""Samples of any data set, looked at once as they are decoded: pictures, boxes, masks and names that can be used."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.protocols import Sample

INSIDE = 0.75
"""Share of a mask that must lie in its box."""
SPARE_PX = 2
"""Pixels by which a mask may leave its box."""
MOST_CONTRADICTING = 0.05
"""Share of objects whose box and mask may contradict each other before the set is refused."""


@dataclass
class SampleChecks:
    """What was seen of the samples of one split so far."""

    name: str
    """Of the data set, with its plugin."""
    split: str
    ids: dict[str, int] = field(default_factory=dict)
    objects: int = 0
    contradicting: list[str] = field(default_factory=list)
    """Samples with an object whose mask does not lie in its box."""

    def look(self, index: int, sample: object) -> Sample:
        """Check one sample. Raises: DataError naming the data set and the sample."""
        if not isinstance(sample, Sample):
            raise self._refusal(f"sample {index} is a {type(sample).__name__}; a Sample is wanted")
        if not isinstance(sample.id, str) or not sample.id or not isinstance(sample.group, str) or not sample.group:
            raise self._refusal(
                f"sample {index} has id {sample.id!r:.40} and group {sample.group!r:.40}; both are texts"
            )
        first = self.ids.setdefault(sample.id, index)
        if first != index:
            raise self._refusal(f"samples {first} and {index} have one id, {sample.id!r:.60}: an id names one sample")
        self._look_at_clip(sample)
        self._look_at_boxes(sample)
        if sample.masks is not None:
            self._look_at_masks(sample, sample.masks)
        return sample

    def end(self) -> tuple[str, ...]:
        """What to say of all samples. Raises: DataError where too many labels contradict each other."""
        if not self.contradicting:
            return ()
        said = (
            f"{len(self.contradicting)} of {self.objects} objects have a mask that does not lie in its box "
            f"(first: {self.contradicting[0]!r:.60})"
        )
        if len(self.contradicting) > MOST_CONTRADICTING * self.objects:
            raise self._refusal(f"{said}: boxes are xyxy in [0, 1], masks [T, N, H_px, W_px] in the order of the boxes")
        return (said,)

    def _look_at_clip(self, sample: Sample) -> None:
        clip = sample.clip
        if not isinstance(clip, Tensor) or clip.ndim != 4 or clip.shape[1] != 3:
            shape = tuple(clip.shape) if isinstance(clip, Tensor) else type(clip).__name__
            raise self._refusal(f"the clip of {sample.id!r:.60} is {shape}; [T, 3, H_px, W_px] is wanted")
        if not clip.is_floating_point():
            kind = str(clip.dtype).removeprefix("torch.")
            raise self._refusal(f"the clip of {sample.id!r:.60} is {kind}; float32 in [0, 1] is wanted")
        low, high = float(clip.min()), float(clip.max())
        if not (low >= -1e-4 and high <= 1 + 1e-4):  # also where a value is not a number
            raise self._refusal(f"pixels of {sample.id!r:.60} lie in [{low:.4g}, {high:.4g}]; [0, 1] is wanted")

    def _look_at_boxes(self, sample: Sample) -> None:
        boxes = sample.boxes
        if boxes.ndim != 3 or boxes.shape[0] != sample.clip.shape[0] or boxes.shape[2] != 4:
            wanted = f"[{sample.clip.shape[0]}, N, 4]"
            raise self._refusal(f"boxes of {sample.id!r:.60} are {tuple(boxes.shape)}; {wanted} is wanted")
        if not bool(((boxes >= -1e-4) & (boxes <= 1 + 1e-4)).all()):
            raise self._refusal(
                f"a box of {sample.id!r:.60} leaves [0, 1]: boxes are shares of the picture, not pixels"
            )
        if bool((boxes[..., 2:] < boxes[..., :2]).any()):
            raise self._refusal(f"a box of {sample.id!r:.60} ends before it begins: boxes are xyxy, not xywh")
        if sample.labels and len(sample.labels) != boxes.shape[1]:
            raise self._refusal(f"{sample.id!r:.60} has {len(sample.labels)} labels for {boxes.shape[1]} boxes")

    def _look_at_masks(self, sample: Sample, masks: Tensor) -> None:
        frames, _, rows, cols = sample.clip.shape
        wanted = (frames, sample.boxes.shape[1], rows, cols)
        if tuple(masks.shape) != wanted or masks.dtype != torch.bool:
            kind = str(masks.dtype).removeprefix("torch.")
            raise self._refusal(f"masks of {sample.id!r:.60} are {tuple(masks.shape)} {kind}; {wanted} bool are wanted")
        for index in range(masks.shape[1]):
            self.objects += 1
            if _share_inside(masks[-1, index], sample.boxes[-1, index]) < INSIDE:
                self.contradicting.append(sample.id)

    def _refusal(self, what: str) -> DataError:
        return DataError(f"data set {self.name}, split {self.split}: {what}")


def _share_inside(mask: Tensor, box: Tensor) -> float:
    """Share of a mask that lies in its box; 1 where the object is hidden. mask [H_px, W_px], box [4]"""
    rows, cols = mask.shape
    ys, xs = mask.nonzero(as_tuple=True)
    if not len(ys):
        return 1.0
    left, top, right, bottom = (float(value) for value in box)
    inside = (xs + 1 >= left * cols - SPARE_PX + 1) & (xs <= right * cols + SPARE_PX)
    inside &= (ys + 1 >= top * rows - SPARE_PX + 1) & (ys <= bottom * rows + SPARE_PX)
    return float(inside.float().mean())
