"""``coco:DIR``: the user's own pictures with annotations in the COCO format, in any layout that tools export."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.protocols import Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.coco_annotations import (
    AnnotatedObject,
    AnnotatedPicture,
    Annotations,
    read_annotations,
)
from foresight_harness.parts.datasets.coco_boxes import CUT
from foresight_harness.parts.datasets.coco_layouts import LAYOUTS, find_coco
from foresight_harness.parts.datasets.coco_masks import mask_of, mask_on_canvas
from foresight_harness.parts.datasets.equal_files import groups_of_equal
from foresight_harness.parts.datasets.identity import checked_index, fingerprint, half_of, positive
from foresight_harness.parts.datasets.left_out import counted, in_words
from foresight_harness.parts.datasets.objects import Mask
from foresight_harness.parts.datasets.pictures import on_canvas, read_picture
from foresight_harness.parts.datasets.pixel_digests import pixels_digest

READER = "coco/2"
"""Raised whenever the same folder gives other samples."""
LEAST_CANVAS_PX = 16
SPLITS: tuple[Literal["train", "test"], ...] = ("train", "test")
NO_OBJECT = "pictures without an object"
IN_BOTH = "pictures of train that stand in test too"


class CocoFolder:
    """The pictures of one split that show at least one object that is not a crowd.

    Pictures without objects are left out: a localisation score is not defined on them. Each picture is squashed to
    the square canvas. Annotations are checked when the set is opened, pictures when they are read. Pictures of equal
    bytes are one group.
    """

    name = "coco"

    def __init__(
        self,
        pictures: Sequence[AnnotatedPicture],
        names: Mapping[str, str],
        request: DataRequest,
        left_out: Mapping[str, int] | None = None,
        remarks: tuple[str, ...] = (),
    ) -> None:
        self.split: str = request.split
        self.left_out = dict(left_out or {})
        """What of the whole folder was not taken, and how many of it."""
        self.remarks = remarks
        self._pictures = in_order(pictures)
        self._names = names
        self._canvas_px = positive(self.name, "canvas_px", request.canvas_px, LEAST_CANVAS_PX)
        self._max_pixels = request.max_pixels

    @cached_property
    def fingerprint(self) -> str:
        """Of all that decides the samples; reads every picture's bytes."""
        return fingerprint(
            reader=READER,
            split=self.split,
            canvas_px=self._canvas_px,
            pictures=[self._facts(picture) for picture in self._pictures],
        )

    @classmethod
    def open(cls, request: DataRequest) -> CocoFolder:
        """Read the annotations of ``request.path`` and choose the pictures of the split.

        With a count, the pictures are chosen by a hash of seed and image id, so that a greater count only adds some.

        Raises:
            DataError: if folder or annotations are unusable, or no picture of the split shows an object.
        """
        return _Source(request).dataset(request)

    @classmethod
    def both(cls, request: DataRequest) -> tuple[CocoFolder, CocoFolder]:
        """Train and test of one reading, either of which may be empty. Raises: DataError."""
        source = _Source(replace(request, split="train"))
        train, test = (source.dataset(replace(request, split=split), empty=True) for split in SPLITS)
        return train, test

    def counts(self) -> dict[str, Any]:
        """Pictures, objects, crowds, and objects by class; nothing is decoded. JSON types"""
        names = [name for picture in self._pictures for name in self._labels(picture.objects)]
        return {
            "pictures": len(self),
            "objects": len(names),
            "crowds": sum(len(picture.crowds) for picture in self._pictures),
            "classes": dict(Counter(name for name in names if name).most_common()),
        }

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Sample:
        picture = self._pictures[checked_index(index, len(self), self.name)]
        labels, crowd_labels = self._labels(picture.objects), self._labels(picture.crowds)
        return Sample(
            id=picture.id,
            group=picture.group,
            clip=on_canvas(read_picture(picture.file, picture.size, self._max_pixels), self._canvas_px),
            boxes=_boxes(picture.objects),
            masks=self._masks(picture),
            labels=labels if all(labels) else (),
            crowds=_boxes(picture.crowds) if picture.crowds else None,
            crowd_labels=crowd_labels if all(crowd_labels) else (),
        )

    def _labels(self, things: Sequence[AnnotatedObject]) -> tuple[str, ...]:
        return tuple(self._names.get(thing.category, "") for thing in things)

    def _facts(self, picture: AnnotatedPicture) -> list[object]:
        """All that decides a sample. JSON types"""
        objects = [
            [thing.box, name, as_numbers(thing.segmentation)]
            for thing, name in zip(picture.objects, self._labels(picture.objects), strict=True)
        ]
        pixels = pixels_digest(picture.file, picture.size, self._max_pixels)
        facts: list[object] = [picture.id, picture.size, pixels, objects]
        if picture.crowds:
            names = self._labels(picture.crowds)
            facts.append([[thing.box, name] for thing, name in zip(picture.crowds, names, strict=True)])
        return facts

    def _masks(self, picture: AnnotatedPicture) -> Tensor | None:
        """Masks of all objects, or None where one of them has no segmentation. [1, N, H_px, W_px] bool"""
        segmentations = [thing.segmentation for thing in picture.objects]
        if any(segmentation is None for segmentation in segmentations):
            return None
        masks = []
        for number, (thing, segmentation) in enumerate(zip(picture.objects, segmentations, strict=True)):
            mask = mask_of(segmentation, picture.size, f"{picture.file}: object {number}")
            # A polygon between the centres of pixels covers none of them, and its object is there all the same.
            masks.append(mask_on_canvas(mask if mask.any() else _filled(thing, picture.size), self._canvas_px))
        return torch.from_numpy(np.stack(masks)).unsqueeze(0)


class _Source:
    """Files of annotations, read once for one split or for both."""

    def __init__(self, request: DataRequest) -> None:
        """Raises: DataError if folder or annotations are unusable, or no picture shows an object."""
        if request.path is None:
            raise DataError(f"data set coco needs a folder: --dataset coco:DIR with {LAYOUTS}")
        self._found = _read(request)
        self._shown = [picture for picture in self._found.pictures if picture.objects]
        if not self._shown:
            told = in_words(self._found.left_out)
            reasons = f"; left out: {told}" if told else ""
            raise DataError(
                f"{request.path}: none of {len(self._found.pictures)} pictures shows an object that is not a "
                f"crowd{reasons}"
            )
        self._found.left_out[NO_OBJECT] += len(self._found.pictures) - len(self._shown)
        self._remarks = _group(self._shown)
        self._remarks += (counted(self._found.cut, CUT),) if self._found.cut else ()

    def dataset(self, request: DataRequest, *, empty: bool = False) -> CocoFolder:
        """The set of one split. Raises: DataError where it has no picture, unless it may be ``empty``."""
        chosen = [one for one in self._shown if (one.split or half_of(one.group)) == request.split]
        left_out = Counter(self._found.left_out)
        if request.split == "train":
            tested = {picture.group for picture in self._shown if picture.split == "test"}
            left_out[IN_BOTH] = sum(picture.group in tested for picture in chosen)
            chosen = [picture for picture in chosen if picture.group not in tested]
        if not chosen and not empty:
            raise DataError(f"{request.path}: {self._why_none(request.split, left_out[IN_BOTH])}")
        if request.count is not None and positive(CocoFolder.name, "count", request.count) < len(chosen):
            chosen.sort(key=lambda picture: hashlib.sha256(f"{request.seed}:{picture.id}".encode()).digest())
            chosen = chosen[: request.count]
        return CocoFolder(chosen, self._found.names, request, +left_out, self._remarks)

    def _why_none(self, split: str, in_both: int) -> str:
        if in_both:
            return (
                f"all {in_both} pictures of train hold the same bytes as pictures of test; give the two splits "
                "different pictures"
            )
        return (
            f"all {len(self._shown)} pictures with objects fall into the other split than {split}; give every image "
            "a split in annotations.json"
        )


def _read(request: DataRequest) -> Annotations:
    """The pictures that a split is chosen from: all files of the folder, but those of train alone where test is asked.

    Raises:
        DataError: as ``find_coco`` and ``read_annotations``.
    """
    found = Annotations()
    for source in find_coco(Path(str(request.path))):
        if source.split == "train" and request.split == "test":
            continue  # what stands in both is left out of train
        read = read_annotations(source, request.max_pixels)
        found.pictures += read.pictures
        found.names |= read.names
        found.left_out += read.left_out
        found.cut += read.cut
    return found


def _group(pictures: Sequence[AnnotatedPicture]) -> tuple[str, ...]:
    """Let pictures of equal bytes be one group, named after the first; what there is to say of it."""
    pictures = sorted(pictures, key=lambda picture: picture.id)  # the first of a group gives it its name
    groups = groups_of_equal([picture.file for picture in pictures])
    equal = 0
    for place, first in enumerate(groups):
        pictures[place].group = pictures[first].id
        equal += first != place
    told = counted(equal, "pictures listed twice or equal to another, in one split with it")
    return (told,) if equal else ()


def _boxes(things: Sequence[AnnotatedObject]) -> Tensor:
    """[1, N, 4] float32"""
    return torch.tensor([thing.box for thing in things], dtype=torch.float32).unsqueeze(0)


def _filled(thing: AnnotatedObject, size: tuple[int, int]) -> Mask:
    """The pixels under an object's box, at least the one at its middle. [H_px, W_px]"""
    width, height = size
    mask = np.zeros((height, width), dtype=np.bool_)
    left, top, right, bottom = (side * of for side, of in zip(thing.box, (width, height) * 2, strict=True))
    column, row = min(int((left + right) / 2), width - 1), min(int((top + bottom) / 2), height - 1)
    mask[round(top) : round(bottom), round(left) : round(right)] = True
    mask[row, column] = True
    return mask


def in_order(pictures: Sequence[AnnotatedPicture]) -> tuple[AnnotatedPicture, ...]:
    """Pictures by id and their objects by place: the order in which a file lists them decides nothing."""
    for picture in pictures:
        for things in (picture.objects, picture.crowds):
            things.sort(key=lambda thing: (tuple(thing.box), thing.category))
    return tuple(sorted(pictures, key=lambda picture: picture.id))


def as_numbers(value: Any) -> Any:
    """A segmentation with every number as a float: ``96`` and ``96.0`` are one. JSON types"""
    if isinstance(value, Mapping):
        return {str(name): as_numbers(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [as_numbers(entry) for entry in value]
    return float(value) if isinstance(value, int | float) else value
