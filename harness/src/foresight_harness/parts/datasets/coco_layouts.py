"""Where the annotations and the pictures of a COCO export lie: every layout that tools write, and a file's own path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from foresight_harness.contracts.errors import DataError

Split = Literal["train", "test"]
LAYOUTS = (
    "DIR/images/ and DIR/annotations.json, annotations/instances_*.json beside train2017/, Roboflow, CVAT, "
    "Label Studio, FiftyOne, or the file itself as coco:PATH.json"
)
SPLITS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "test",
    "valid": "test",
    "validation": "test",
    "minival": "test",
    "test": "test",
    "testing": "test",
}
"""What folders and files of a split are called; a year may follow (``val2017``)."""
NAMES = ("annotations.json", "_annotations.coco.json", "result.json", "labels.json", "annotations.coco.json")
"""Ours, Roboflow's, Label Studio's, FiftyOne's."""
OTHER_TASKS = ("captions_", "person_keypoints_", "panoptic_", "stuff_", "image_info_")
"""Files of COCO's other tasks, which lie beside ``instances_*.json``."""


@dataclass(frozen=True)
class CocoFile:
    """One file of annotations."""

    annotations: Path
    pictures: tuple[Path, ...]
    """Folders in which its pictures are looked for, in order."""
    split: Split | None = None
    """Of all its pictures, where folder or file are named after one."""
    prefix: str = ""
    """Put before its ids where several files number their pictures alike."""


def split_named(name: str) -> Split | None:
    """The split that a folder or file is named after; None where it is none."""
    return SPLITS.get(re.sub(r"[_-]?\d*$", "", name.lower()))


def find_coco(path: Path) -> list[CocoFile]:
    """The files of annotations below a folder, or the one that is given.

    Files of one split only are halved like any others: nothing could be fitted otherwise.

    Raises:
        DataError: where there is none, or it is not clear which.
    """
    if path.is_file():
        return [CocoFile(path, _beside(path))]
    if not path.is_dir():
        raise DataError(f"data folder {path} does not exist; coco:DIR reads {LAYOUTS}")
    found = _at(path) or _by_split(path) or _only(path)
    if not found:
        there = ", ".join(file.name for file in _json_files(path)[:5])
        hint = f"; there are {there}: give one as coco:PATH.json" if there else ""
        raise DataError(f"{path / 'annotations.json'} does not exist; coco:DIR reads {LAYOUTS}{hint}")
    splits = {file.split for file in found}
    if None in splits or len(splits) < 2:
        found = [CocoFile(file.annotations, file.pictures, None, file.prefix) for file in found]
    if len(found) == 1:
        found = [CocoFile(found[0].annotations, found[0].pictures, found[0].split)]
    return found


def _at(folder: Path) -> list[CocoFile]:
    """A file under a known name in this very folder, or ``instances_*.json``."""
    for name in NAMES:
        if (folder / name).is_file():
            return [CocoFile(folder / name, _beside(folder / name))]
    for place in (folder / "annotations", folder):
        listed = [file for file in _json_files(place, deep=False) if file.name.startswith("instances_")]
        files = [CocoFile(file, _beside(file), split_named(_named(file)), f"{_named(file)}/") for file in listed]
        if files:
            return [file for file in files if _has_own_pictures(file)] or files
    return []


def _by_split(folder: Path) -> list[CocoFile]:
    """One folder a split, each with a file of its own."""
    found = []
    for place in sorted(child for child in folder.iterdir() if child.is_dir() and split_named(child.name)):
        for file in (_at(place) or _only(place))[:1]:
            found.append(CocoFile(file.annotations, file.pictures, split_named(place.name), f"{place.name}/"))
    return found


def _only(folder: Path) -> list[CocoFile]:
    """The one JSON file of a folder or of its ``annotations``, whatever it is called; by split where all say one."""
    for place in (folder, folder / "annotations"):
        files = [file for file in _json_files(place, deep=False) if not file.name.startswith(OTHER_TASKS)]
        if len(files) == 1:
            return [CocoFile(files[0], _beside(files[0]))]
        if files and all(split_named(_named(file)) for file in files):
            return [CocoFile(file, _beside(file), split_named(_named(file)), f"{_named(file)}/") for file in files]
    return []


def _json_files(folder: Path, *, deep: bool = True) -> list[Path]:
    """JSON files of a folder, without hidden ones; ``deep`` takes its folders too."""
    if not folder.is_dir():
        return []
    places = [folder, *(child for child in sorted(folder.iterdir()) if deep and child.is_dir())]
    return [
        file
        for place in places
        if place is folder or not place.name.startswith(".")
        for file in sorted(place.glob("*.json"))
        if not file.name.startswith(".") and file.is_file()
    ]


def _named(file: Path) -> str:
    """What stands behind ``instances_`` in a file's name."""
    return file.stem.removeprefix("instances_").removesuffix("_coco").removesuffix("_annotations")


def _beside(file: Path) -> tuple[Path, ...]:
    """Folders that may hold the pictures of a file, nearest first."""
    name, here = _named(file), file.parent
    roots = [here, here.parent] if here.name in ("annotations", "labels") else [here]
    found = [root / inner for root in reversed(roots) for inner in (name, f"images/{name}", f"data/{name}")]
    found += [root / inner for root in reversed(roots) for inner in ("images", "data", ".")]
    return tuple(folder for folder in dict.fromkeys(found) if folder.is_dir())


def _has_own_pictures(file: CocoFile) -> bool:
    """Whether a folder is there that only this file's pictures lie in."""
    return any(folder.name == _named(file.annotations) for folder in file.pictures)
