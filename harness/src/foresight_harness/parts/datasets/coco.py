"""``coco:DIR``: a folder of the user's own pictures with annotations in the COCO format."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.protocols import Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.coco_annotations import AnnotatedPicture, read_annotations
from foresight_harness.parts.datasets.coco_masks import mask_of, mask_on_canvas
from foresight_harness.parts.datasets.identity import checked_index, fingerprint, positive
from foresight_harness.parts.datasets.pictures import on_canvas, read_picture

READER = "coco/1"
"""Raised whenever the same folder gives other samples."""
LEAST_CANVAS_PX = 16


class CocoFolder:
    """The pictures of one split that show at least one object that is not a crowd.

    Pictures without objects are left out: a localisation score is not defined on them. Each picture is squashed to
    the square canvas. Annotations are checked when the set is opened, pictures when they are read.
    """

    name = "coco"

    def __init__(self, pictures: tuple[AnnotatedPicture, ...], split: str, canvas_px: int) -> None:
        self.split = split
        self._pictures = pictures
        self._canvas_px = canvas_px
        self.fingerprint = fingerprint(
            reader=READER,
            split=split,
            canvas_px=canvas_px,
            pictures=[
                [
                    picture.id,
                    picture.size,
                    _sha256(picture.file),
                    [[thing.box, thing.label, thing.segmentation] for thing in picture.objects],
                ]
                for picture in pictures
            ],
        )

    @classmethod
    def open(cls, request: DataRequest) -> CocoFolder:
        """Read the annotations of ``request.path`` and choose the pictures of the split.

        With a count, the pictures are chosen by a hash of seed and image id, so that a greater count only adds some.

        Raises:
            DataError: if folder or annotations are unusable, or no picture of the split shows an object.
        """
        if request.path is None:
            raise DataError(
                "data set coco needs a folder: --dataset coco:DIR with DIR/images/ and DIR/annotations.json"
            )
        annotated = read_annotations(Path(request.path))
        shown = [picture for picture in annotated if picture.objects]
        if not shown:
            raise DataError(f"{request.path}: none of {len(annotated)} pictures shows an object that is not a crowd")
        chosen = [picture for picture in shown if (picture.split or split_of(picture.id)) == request.split]
        if not chosen:
            raise DataError(
                f"{request.path}: all {len(shown)} pictures with objects fall into the other split than "
                f"{request.split}; give every image a split in annotations.json"
            )
        if request.count is not None and positive(cls.name, "count", request.count) < len(chosen):
            chosen.sort(key=lambda picture: hashlib.sha256(f"{request.seed}:{picture.id}".encode()).digest())
            chosen = chosen[: request.count]
        canvas_px = positive(cls.name, "canvas_px", request.canvas_px, LEAST_CANVAS_PX)
        return cls(tuple(chosen), request.split, canvas_px)

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Sample:
        picture = self._pictures[checked_index(index, len(self), self.name)]
        labels = tuple(thing.label for thing in picture.objects)
        return Sample(
            id=picture.id,
            group=picture.id,
            clip=on_canvas(read_picture(picture.file, picture.size), self._canvas_px),
            boxes=torch.tensor([thing.box for thing in picture.objects], dtype=torch.float32).unsqueeze(0),
            masks=self._masks(picture),
            labels=labels if all(labels) else (),
        )

    def _masks(self, picture: AnnotatedPicture) -> Tensor | None:
        """Masks of all objects, or None where one of them has no segmentation. [1, N, H_px, W_px] bool"""
        if any(thing.segmentation is None for thing in picture.objects):
            return None
        masks = []
        for number, thing in enumerate(picture.objects):
            mask = mask_of(thing.segmentation, picture.size, f"{picture.file}: object {number}")
            if not mask.any():
                raise DataError(f"{picture.file}: object {number} (image {picture.id}) has a mask that covers nothing")
            masks.append(mask_on_canvas(mask, self._canvas_px))
        return torch.from_numpy(np.stack(masks)).unsqueeze(0)


def split_of(id: str) -> str:
    """Half of the pictures each, by a hash of the image id that no other picture changes."""
    return "train" if hashlib.sha256(id.encode()).digest()[0] < 128 else "test"


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
