"""COCO annotations, read strictly: what is wrong is said in one line that names file, annotation and picture."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from foresight_harness.contracts.errors import DataError

SLACK_PX = 1.0
"""How far a box may reach beyond its picture; annotation tools round."""
SPLITS: dict[str, Literal["train", "test"]] = {"train": "train", "val": "test", "test": "test"}
"""Accepted values of a picture's ``split``."""


@dataclass(frozen=True)
class AnnotatedObject:
    """One object that is not a crowd."""

    box: tuple[float, float, float, float]
    """xyxy relative to width and height, in [0, 1]."""
    label: str
    """Empty where the annotations have no categories."""
    segmentation: Any
    """Polygons or a run-length code as in the file; None where there is none."""


@dataclass(frozen=True)
class AnnotatedPicture:
    """One picture and its objects, in the file's order."""

    id: str
    file: Path
    size: tuple[int, int]
    """Width and height, in pixels."""
    split: Literal["train", "test"] | None
    objects: tuple[AnnotatedObject, ...]


def read_annotations(folder: Path) -> list[AnnotatedPicture]:
    """Read ``annotations.json`` of a folder and check all of it, and that every picture's file is there.

    Crowd annotations are left out. Pictures are not opened.

    Raises:
        DataError: in one line.
    """
    if not folder.is_dir():
        raise DataError(f"data folder {folder} does not exist; coco:DIR needs DIR/images/ and DIR/annotations.json")
    path = folder / "annotations.json"
    content = _parsed(path)
    labels = {str(entry.get("id")): str(entry.get("name")) for entry in _entries(path, content, "categories")}
    pictures = {}
    for entry in _entries(path, content, "images"):
        picture = _picture(path, folder / "images", entry)
        if picture.id in pictures:
            raise DataError(f"{path}: image {picture.id} is listed twice")
        pictures[picture.id] = picture
    if not pictures:
        raise DataError(f"{path} lists no images")
    objects: dict[str, list[AnnotatedObject]] = {id: [] for id in pictures}
    for entry in _entries(path, content, "annotations"):
        owner = pictures.get(str(entry.get("image_id")))
        if owner is None:
            raise DataError(
                f"{path}: annotation {entry.get('id')} is of image {entry.get('image_id')}, which is not listed"
            )
        if not entry.get("iscrowd"):
            objects[owner.id].append(_object(path, owner, entry, labels))
    _same_way_of_splitting(path, pictures.values())
    return [
        AnnotatedPicture(picture.id, picture.file, picture.size, picture.split, tuple(objects[picture.id]))
        for picture in pictures.values()
    ]


def _parsed(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise DataError(f"{path} does not exist; coco:DIR needs DIR/images/ and DIR/annotations.json")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} holds a {type(content).__name__}, not the object of a COCO file")
    return content


def _entries(path: Path, content: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    entries = content.get(key, [] if key == "categories" else None)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DataError(f"{path} has no list of objects under {key!r}; is it a COCO file?")
    return entries


def _picture(path: Path, images: Path, entry: Mapping[str, Any]) -> AnnotatedPicture:
    name, size = entry.get("file_name"), (entry.get("width"), entry.get("height"))
    if "id" not in entry or not isinstance(name, str) or not name:
        raise DataError(f"{path}: image {entry.get('id')} needs an id and a file_name, got {dict(entry)}")
    if not all(isinstance(side, int) and side > 0 for side in size):
        raise DataError(f"{path}: image {entry['id']} ({name}) has width and height {size}, not two positive integers")
    inner = PurePosixPath(name)
    if inner.is_absolute() or ".." in inner.parts:
        raise DataError(f"{path}: image {entry['id']} has file_name {name!r}, which leads out of {images}")
    file = images / inner
    if not file.is_file():
        raise DataError(f"{file} does not exist; it is image {entry['id']} of {path}")
    split = entry.get("split")
    if split is not None and split not in SPLITS:
        raise DataError(f"{path}: image {entry['id']} ({name}) has split {split!r}; known are {', '.join(SPLITS)}")
    return AnnotatedPicture(str(entry["id"]), file, size, SPLITS[split] if split else None, ())  # type: ignore[arg-type]


def _object(
    path: Path, picture: AnnotatedPicture, entry: Mapping[str, Any], labels: Mapping[str, str]
) -> AnnotatedObject:
    where = f"{path}: annotation {entry.get('id')} of image {picture.id} ({picture.file.name})"
    numbers = entry.get("bbox")
    if not isinstance(numbers, list) or len(numbers) != 4 or not all(_is_finite(number) for number in numbers):
        raise DataError(f"{where} has bbox {numbers}, not four numbers [x, y, width, height] in pixels")
    x, y, box_width, box_height = numbers
    width, height = picture.size
    beyond = max(-x, -y, x + box_width - width, y + box_height - height)
    if beyond > SLACK_PX:
        raise DataError(f"{where} has bbox {numbers}, {beyond:g} pixels outside its {width}x{height} picture")
    left, top = max(x, 0) / width, max(y, 0) / height
    right, bottom = min(x + box_width, width) / width, min(y + box_height, height) / height
    if right <= left or bottom <= top:
        raise DataError(f"{where} has bbox {numbers}, which covers nothing")
    label = ""
    if labels:
        if str(entry.get("category_id")) not in labels:
            raise DataError(f"{where} has category {entry.get('category_id')}, which is not listed")
        label = labels[str(entry["category_id"])]
    return AnnotatedObject((left, top, right, bottom), label, _segmentation(where, picture, entry.get("segmentation")))


def _segmentation(where: str, picture: AnnotatedPicture, segmentation: Any) -> Any:
    """The segmentation itself, or None for an empty one. Raises: DataError."""
    if not segmentation:
        return None
    width, height = picture.size
    if isinstance(segmentation, list):
        for polygon in segmentation:
            even = isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0
            if not even or not all(_is_finite(number) for number in polygon):
                raise DataError(f"{where} has a polygon that is not a list of three or more x, y pairs")
        return segmentation
    if not isinstance(segmentation, dict) or segmentation.get("size") != [height, width]:
        raise DataError(f"{where} has a segmentation that is neither polygons nor a code of size [{height}, {width}]")
    if not isinstance(segmentation.get("counts"), str | list):
        raise DataError(f"{where} has a run-length code without counts")
    return segmentation


def _same_way_of_splitting(path: Path, pictures: Any) -> None:
    named = [picture.split is not None for picture in pictures]
    if any(named) and not all(named):
        raise DataError(
            f"{path}: {sum(named)} of {len(named)} images carry a split; give all of them one, or none "
            "(then halves are made by a hash of the image id)"
        )


def _is_finite(number: Any) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
