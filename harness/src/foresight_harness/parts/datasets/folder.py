"""``folder:DIR``: pictures of the user's own without any annotation."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.protocols import Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.coco_layouts import split_named
from foresight_harness.parts.datasets.equal_files import groups_of_equal
from foresight_harness.parts.datasets.files import files_below, is_picture
from foresight_harness.parts.datasets.identity import checked_index, fingerprint, half_of, positive
from foresight_harness.parts.datasets.left_out import counted
from foresight_harness.parts.datasets.objects import no_boxes
from foresight_harness.parts.datasets.pictures import on_canvas, read_picture

READER = "folder/1"
"""Raised whenever the same folder gives other samples."""
LEAST_CANVAS_PX = 16
NO_PICTURE = "files that are no pictures"
IN_BOTH = "pictures of train that stand in test too"


@dataclass(frozen=True)
class FoundPicture:
    """One file of the folder."""

    id: str
    """Its path below the folder."""
    group: str
    """Id of the first file that holds the same bytes."""
    file: Path
    split: Literal["train", "test"]


class PictureFolder:
    """Pictures of one split, each squashed to the square canvas. There are no boxes.

    Where the folder has one folder for train and one for test (or val), those are the splits; else half of the
    pictures each, by a hash of their path. Pictures of equal bytes are one group and stand in one split.
    """

    name = "folder"

    def __init__(
        self,
        pictures: tuple[FoundPicture, ...],
        request: DataRequest,
        left_out: dict[str, int],
        remarks: tuple[str, ...],
    ) -> None:
        self.split: str = request.split
        self.left_out, self.remarks = left_out, remarks
        self._pictures = pictures
        self._canvas_px = positive(self.name, "canvas_px", request.canvas_px, LEAST_CANVAS_PX)
        self._max_pixels = request.max_pixels
        self.fingerprint = fingerprint(
            reader=READER,
            split=self.split,
            canvas_px=self._canvas_px,
            pictures=[[picture.id, picture.group, _sha256(picture.file)] for picture in pictures],
        )

    @classmethod
    def open(cls, request: DataRequest) -> PictureFolder:
        """Find the pictures of ``request.path`` and choose those of the split, by a hash of seed and path.

        Raises:
            DataError: if the folder is absent, or none of its pictures is of the split.
        """
        if request.path is None:
            raise DataError("data set folder needs a folder of pictures: --dataset folder:DIR")
        found, others, equal = find_pictures(Path(request.path))
        chosen = [picture for picture in found if picture.split == request.split]
        left_out = {NO_PICTURE: others}
        if request.split == "train":
            tested = {picture.group for picture in found if picture.split == "test"}
            left_out[IN_BOTH] = sum(picture.group in tested for picture in chosen)
            chosen = [picture for picture in chosen if picture.group not in tested]
        if not chosen:
            raise DataError(
                f"{request.path}: all {len(found)} pictures fall into the other split than {request.split}; put them "
                "into folders train and test"
            )
        if request.count is not None and positive(cls.name, "count", request.count) < len(chosen):
            chosen.sort(key=lambda picture: hashlib.sha256(f"{request.seed}:{picture.id}".encode()).digest())
            chosen = chosen[: request.count]
        told = counted(equal, "pictures equal to another, in one split with it")
        left_out = {what: count for what, count in left_out.items() if count}
        return cls(tuple(chosen), request, left_out, (told,) if equal else ())

    def counts(self) -> dict[str, Any]:
        """Pictures; nothing is decoded. JSON types"""
        return {"pictures": len(self), "objects": 0, "crowds": 0, "classes": {}}

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Sample:
        picture = self._pictures[checked_index(index, len(self), self.name)]
        return Sample(
            id=picture.id,
            group=picture.group,
            clip=on_canvas(read_picture(picture.file, max_pixels=self._max_pixels), self._canvas_px),
            boxes=no_boxes(),
        )


def find_pictures(folder: Path) -> tuple[list[FoundPicture], int, int]:
    """The pictures below a folder, how many other files lie there, and how many pictures equal another.

    Raises:
        DataError: where the folder is absent or holds no picture.
    """
    if not folder.is_dir():
        raise DataError(f"data folder {folder} does not exist; folder:DIR reads the pictures below DIR")
    files = list(files_below(folder))
    pictures = [file for file in files if is_picture(file.name)]
    if not pictures:
        raise DataError(f"{folder} holds no pictures, and {len(files)} other files")
    ids = [file.relative_to(folder).as_posix() for file in pictures]
    groups = groups_of_equal(pictures)
    named = [split_named(id.partition("/")[0]) if "/" in id else None for id in ids]
    by_folder = {"train", "test"} == set(named)
    found = [
        FoundPicture(id, ids[group], file, split if by_folder and split else half_of(ids[group]))
        for id, group, file, split in zip(ids, groups, pictures, named, strict=True)
    ]
    equal = sum(place != group for place, group in enumerate(groups))
    return found, len(files) - len(pictures), equal


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
