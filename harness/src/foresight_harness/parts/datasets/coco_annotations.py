"""COCO annotations of any exporter: what can be understood is read, what is wrong is said in one line."""

from __future__ import annotations

import gc
import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs.data import MAX_PIXELS
from foresight_harness.parts.datasets.coco_boxes import SLACK_PX, BoxCheck, Size, beyond
from foresight_harness.parts.datasets.coco_layouts import SPLITS, CocoFile, Split
from foresight_harness.parts.datasets.coco_masks import Corners, code_bounds, polygon_bounds, polygons_of
from foresight_harness.parts.datasets.coco_pictures import PictureFinder
from foresight_harness.parts.datasets.coco_values import crowd_of, key_of, numbers_of, whole_of
from foresight_harness.parts.datasets.json_items import items_of
from foresight_harness.parts.datasets.pictures import size_of

NO_AREA = "objects whose box has no area"
NO_MASK = "objects whose mask covers nothing"
NO_POLYGON = "objects without a polygon of three points"
NO_BOX = "objects with neither box nor segmentation"
DISAGREE = "objects whose box and segmentation disagree"
OUTSIDE = "objects whose box lies outside of its picture"
EMPTY_CROWD = "crowds that cover nothing"


@dataclass(slots=True)
class AnnotatedObject:
    """One object, or one crowd."""

    box: Corners
    """xyxy relative to width and height, in [0, 1]."""
    category: str
    """Id of the category; empty where it has none."""
    text: str
    """The annotation as it stands in the file: segmentations are decoded when they are asked for."""

    @property
    def segmentation(self) -> Any:
        """Polygons or a run-length code as in the file; None where there is none."""
        return json.loads(self.text).get("segmentation") or None


@dataclass(slots=True)
class AnnotatedPicture:
    """One picture with its objects, in the file's order."""

    id: str
    file: Path
    size: Size
    split: Split | None
    objects: list[AnnotatedObject] = field(default_factory=list)
    crowds: list[AnnotatedObject] = field(default_factory=list)
    """Regions of many objects: what is found in them is neither right nor wrong."""
    group: str = ""
    """Id of the first picture that holds the same bytes, most often its own."""


@dataclass
class Annotations:
    """All that one file says."""

    pictures: list[AnnotatedPicture] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """Of categories, by id."""
    left_out: Counter[str] = field(default_factory=Counter)
    """How many of what were not taken."""
    cut: int = 0
    """Boxes that leave their picture and were cut at its edge."""


def read_annotations(source: CocoFile, max_pixels: int = MAX_PIXELS) -> Annotations:
    """Read a file of annotations and check all of it, and that every picture's file is there.

    Pictures are not opened but where the file does not say their sizes. Objects that cover nothing are left out and
    counted.

    Raises:
        DataError: in one line.
    """
    collecting = gc.isenabled()
    gc.disable()  # there are no cycles among millions of new objects, and looking for some takes a quarter of the time
    try:
        return _Reader(source, max_pixels).read()
    finally:
        if collecting:
            gc.enable()


@dataclass(slots=True)
class _Where:
    """An annotation, for messages: put into words only where there is one."""

    path: Path
    entry: Mapping[str, Any]
    picture: AnnotatedPicture

    def __str__(self) -> str:
        picture = self.picture
        return f"{self.path}: annotation {self.entry.get('id')} of image {picture.id} ({picture.file.name})"


class _Reader:
    """One pass over a file; annotations that stand before their images are kept for the end."""

    def __init__(self, source: CocoFile, max_pixels: int) -> None:
        self._source, self._path, self._max_pixels = source, source.annotations, max_pixels
        self._finder = PictureFinder(source.pictures)
        self._found = Annotations()
        self._by_id: dict[str, AnnotatedPicture] = {}
        self._check = BoxCheck()
        self._used: dict[str, _Where] = {}
        """Categories by id, each with the first annotation that names it."""

    def read(self) -> Annotations:
        """Read all. Raises: DataError."""
        early: list[tuple[Mapping[str, Any], str]] = []
        seen: set[str] = set()
        past_images = False
        for key, value, text, listed in items_of(self._path):
            seen.add(key)
            if key not in ("images", "annotations", "categories"):
                continue
            past_images |= bool(self._by_id) and key != "images"
            if not listed and value == []:
                continue
            if not listed or not isinstance(value, dict):
                raise DataError(f"{self._path} has no list of objects under {key!r}; is it a COCO file?")
            if key == "images":
                self._image(value)
            elif key == "categories":
                id, name = key_of(value.get("id")), value.get("name")
                self._found.names[self._source.prefix + id] = id if name is None else str(name)
            elif past_images:
                self._annotation(value, text)
            else:
                early.append((value, text))
        for absent in ("images", "annotations"):
            if absent not in seen:
                raise DataError(f"{self._path} has no list of objects under {absent!r}; is it a COCO file?")
        if not self._by_id:
            raise DataError(f"{self._path} lists no images")
        for value, text in early:
            self._annotation(value, text)
        self._finish()
        return self._found

    def _image(self, entry: Mapping[str, Any]) -> None:
        name, where = entry.get("file_name"), f"it is image {entry.get('id')} of {self._path}"
        if "id" not in entry or not isinstance(name, str) or not name:
            raise DataError(f"{self._path}: image {entry.get('id')} needs an id and a file_name, got {dict(entry)}")
        id = self._source.prefix + key_of(entry["id"])
        if id in self._by_id:
            raise DataError(f"{self._path}: image {id} is listed twice")
        file = self._finder.find(name, where)
        size = self._size(entry, name, file)
        split = entry.get("split")
        if split is not None and split not in SPLITS:
            raise DataError(f"{self._path}: image {id} ({name}) has split {split!r}; known are train, val, test")
        picture = AnnotatedPicture(id, file, size, SPLITS[split] if split else self._source.split, group=id)
        self._by_id[id] = picture
        self._found.pictures.append(picture)

    def _size(self, entry: Mapping[str, Any], name: str, file: Path) -> Size:
        """Width and height: as annotated, else of the picture."""
        given = (entry.get("width"), entry.get("height"))
        if not any(given):
            return size_of(file, self._max_pixels)
        width, height = (whole_of(side) for side in given)
        if not width or not height or min(width, height) < 1:
            raise DataError(
                f"{self._path}: image {entry['id']} ({name}) has width and height {given}, not two positive integers"
            )
        return width, height

    def _annotation(self, entry: Mapping[str, Any], text: str) -> None:
        owner = self._by_id.get(self._source.prefix + key_of(entry.get("image_id")))
        if owner is None:
            raise DataError(
                f"{self._path}: annotation {entry.get('id')} is of image {entry.get('image_id')}, which is not listed; "
                "list it, or remove the annotation (ids that are one off put every box on another picture)"
            )
        where = _Where(self._path, entry, owner)
        crowd = crowd_of(entry.get("iscrowd"))
        if crowd is None:
            raise DataError(f"{where} has iscrowd {entry['iscrowd']!r}; it is 0 or 1")
        corners = self._corners(where, owner, entry, crowd)
        if isinstance(corners, str):
            self._found.left_out[EMPTY_CROWD if crowd else corners] += 1
            return
        width, height = owner.size
        box = (
            max(corners[0], 0) / width,
            max(corners[1], 0) / height,
            min(corners[2], width) / width,
            min(corners[3], height) / height,
        )
        leaves = beyond(corners, owner.size) > SLACK_PX
        if box[2] <= box[0] or box[3] <= box[1]:
            self._found.left_out[EMPTY_CROWD if crowd else OUTSIDE if leaves else NO_AREA] += 1
            return
        self._found.cut += leaves
        category = entry.get("category_id")
        key = "" if category is None else sys.intern(self._source.prefix + key_of(category))
        self._used.setdefault(key, where)
        (owner.crowds if crowd else owner.objects).append(AnnotatedObject(box, key, text))

    def _corners(
        self, where: _Where, picture: AnnotatedPicture, entry: Mapping[str, Any], crowd: bool
    ) -> Corners | str:
        """Left, top, right and bottom in pixels, or why the object is left out. Raises: DataError."""
        four = self._four(where, picture, entry.get("bbox"))
        if crowd and four is not None:  # its box is all that is asked of a crowd
            return four[0], four[1], four[0] + four[2], four[1] + four[3]
        bounds = self._bounds(where, picture, entry.get("segmentation"))
        if isinstance(bounds, str):
            return bounds
        if four is None:
            if bounds is not None:
                left, top, right, bottom = bounds
                self._check.take((left, top, right - left, bottom - top), picture.size)
                return bounds
            return NO_BOX
        if four[2] <= 0 or four[3] <= 0:
            return NO_AREA
        self._check.take(four, picture.size)
        if bounds is not None and not self._check.agrees(four, bounds, picture.size, where):
            return DISAGREE
        return four[0], four[1], four[0] + four[2], four[1] + four[3]

    def _four(self, where: _Where, picture: AnnotatedPicture, written: Any) -> tuple[float, ...] | None:
        """``bbox``; None where there is none. Raises: DataError."""
        if written is None or written == []:
            return None
        four = numbers_of(written)
        if four is None or len(four) != 4:
            raise DataError(f"{where} has bbox {written}, not four numbers [x, y, width, height] in pixels")
        width, height = four[2:]
        if width > 0 and height > 0:
            self._check.place(four, picture.size, where)
        return four

    def _bounds(self, where: _Where, picture: AnnotatedPicture, segmentation: Any) -> Corners | str | None:
        """Bounds of a segmentation, None where there is none, or why it covers nothing. Raises: DataError."""
        if not segmentation:
            return None
        if isinstance(segmentation, list):
            polygons = polygons_of(segmentation, where)
            return polygon_bounds(polygons) if polygons else NO_POLYGON
        width, height = picture.size
        size = segmentation.get("size") if isinstance(segmentation, dict) else None
        if not isinstance(size, list) or [whole_of(side) for side in size] != [height, width]:
            raise DataError(
                f"{where} has a segmentation that is neither polygons nor a code of size [{height}, {width}]"
            )
        counts = segmentation.get("counts")
        if not isinstance(counts, str | list):
            raise DataError(f"{where} has a run-length code without counts")
        return code_bounds(segmentation, picture.size, where) or NO_MASK if counts else NO_MASK

    def _finish(self) -> None:
        """What only the whole file shows. Raises: DataError."""
        self._check.refuse(str(self._path))
        if self._found.names:
            unknown = next((key for key in self._used if key not in self._found.names), None)
            if unknown is not None:
                category = unknown.removeprefix(self._source.prefix) or None
                raise DataError(
                    f"{self._used[unknown]} has category {category}, which is not listed; add it to 'categories'"
                )
        named = [picture.split is not None for picture in self._found.pictures]
        if any(named) and not all(named):
            raise DataError(
                f"{self._path}: {sum(named)} of {len(named)} images carry a split; give all of them one, or none "
                "(then halves are made by a hash of the image id)"
            )
