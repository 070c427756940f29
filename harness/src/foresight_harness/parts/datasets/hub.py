"""``hf:NAME`` and ``hf:PATH``: pictures through the ``datasets`` library, with boxes where a column holds them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import torch

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.protocols import Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.coco_boxes import CUT, SLACK_PX, BoxCheck, Size, beyond, cut
from foresight_harness.parts.datasets.coco_values import numbers_of
from foresight_harness.parts.datasets.identity import checked_index, fingerprint, half_of, positive
from foresight_harness.parts.datasets.left_out import counted
from foresight_harness.parts.datasets.objects import no_boxes
from foresight_harness.parts.datasets.pictures import on_canvas, picture_in, size_in

READER = "hf/1"
"""Raised whenever the same rows give other samples."""
LEAST_CANVAS_PX = 16
BUFFER = 1000
"""Rows of a streamed set among which the next one is drawn."""
GROUPS = ("group", "group_id", "video_id", "scene_id")
"""Columns that name the source of a row, best first."""
IDS = ("image_id", "id", "file_name")
NAMES = ("category", "categories", "category_id", "label", "labels", "class")
"""Of the classes within a column of objects."""
TEST = ("test", "validation", "val", "valid")
NO_AREA = "objects whose box has no area"
NO_OBJECT = "pictures without an object"

Split = Literal["train", "test"]


@dataclass(frozen=True)
class Row:
    """One picture as it is stored, still encoded."""

    id: str
    group: str
    content: bytes
    boxes: tuple[tuple[float, ...], ...] = ()
    """xyxy in [0, 1]"""
    labels: tuple[str, ...] = ()


class HubSet:
    """Rows of one split that were chosen, encoded; each is decoded when it is asked for, onto the square canvas.

    With a column ``objects`` (``bbox`` as COCO has it) there are boxes; rows without an object are then left out.
    """

    name = "hf"

    def __init__(
        self, rows: Sequence[Row], request: DataRequest, left_out: Mapping[str, int], remarks: tuple[str, ...]
    ) -> None:
        self.split: str = request.split
        self.left_out = {what: count for what, count in left_out.items() if count}
        self.remarks = remarks
        self._rows = tuple(rows)
        self._canvas_px = positive(self.name, "canvas_px", request.canvas_px, LEAST_CANVAS_PX)
        self._max_pixels = request.max_pixels
        self.fingerprint = fingerprint(
            reader=READER,
            split=self.split,
            canvas_px=self._canvas_px,
            rows=[[row.id, row.group, hashlib.sha256(row.content).hexdigest(), row.boxes, row.labels] for row in rows],
        )

    @classmethod
    def open(cls, request: DataRequest, *, streaming: bool | None = None) -> HubSet:
        """Choose the rows of the split: by a hash of seed and id; of a streamed set the first ones after shuffling.

        Args:
            request: ``path`` is a folder, or ``NAME[:CONFIG]`` on the Hub.
            streaming: None streams what is not on this machine.

        Raises:
            DataError: where the library is not installed, or the set has no pictures that can be used.
        """
        if request.path is None:
            raise DataError("data set hf needs a name or folder: --dataset hf:NAME or hf:PATH")
        local = Path(request.path).exists()
        streaming = not local if streaming is None else streaming
        parts = _loaded(request.path, local, streaming)
        table, own = _of_split(parts, request.split)
        if streaming:
            table = table.shuffle(seed=request.seed, buffer_size=BUFFER)
        reader = _Rows(request, table.features)
        most = None if request.count is None else positive(cls.name, "count", request.count)
        rows = reader.rows(table, own, most if streaming else None)
        if not rows:
            raise DataError(f"{request.path}: no picture for {request.split}{reader.reasons()}")
        if most is not None and most < len(rows):
            rows.sort(key=lambda row: hashlib.sha256(f"{request.seed}:{row.id}".encode()).digest())
            rows = rows[:most]
        return cls(rows, request, reader.left_out, reader.remarks())

    def counts(self) -> dict[str, Any]:
        """Pictures, objects, and objects by class; nothing is decoded. JSON types"""
        names = [name for row in self._rows for name in row.labels]
        return {
            "pictures": len(self),
            "objects": len(names),
            "crowds": 0,
            "classes": dict(Counter(name for name in names if name).most_common()),
        }

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample:
        row = self._rows[checked_index(index, len(self), self.name)]
        picture = picture_in(BytesIO(row.content), f"row {row.id}", self._max_pixels)
        boxes = torch.tensor(row.boxes, dtype=torch.float32).unsqueeze(0) if row.boxes else no_boxes()
        return Sample(
            id=row.id,
            group=row.group,
            clip=on_canvas(picture, self._canvas_px),
            boxes=boxes,
            labels=row.labels if row.labels and all(row.labels) else (),
        )


class _Rows:
    """Reads rows of a table: which column is the picture, which the objects."""

    def __init__(self, request: DataRequest, features: Mapping[str, Any] | None) -> None:
        self._path, self._split, self._max_pixels = str(request.path), request.split, request.max_pixels
        self._features = features or {}
        self._picture = _picture_column(self._path, self._features)
        self._objects = "objects" if "objects" in self._features else None
        self._names = _names_of(self._features.get("objects"))
        self._check = BoxCheck()
        self.left_out = {NO_AREA: 0, NO_OBJECT: 0}
        self.equal = self.cut = 0

    def reasons(self) -> str:
        """What was left out, as the end of a message."""
        told = ", ".join(counted(count, what) for what, count in self.left_out.items() if count)
        return f"; left out: {told}" if told else ""

    def rows(self, table: Iterable[Mapping[str, Any]], own: bool, most: int | None) -> list[Row]:
        """The rows of the split, at most that many. ``own``: the table is of this split alone."""
        groups: dict[str, str] = {}
        ids: set[str] = set()
        found: list[Row] = []
        for number, entry in enumerate(table):
            content = self._content(entry, number)
            id = next((str(entry[name]) for name in IDS if entry.get(name) is not None), str(number))
            id = id if id not in ids else f"{id}/{number}"
            ids.add(id)
            digest = hashlib.sha256(content).hexdigest()
            self.equal += digest in groups
            named = next((str(entry[name]) for name in GROUPS if entry.get(name) is not None), id)
            group = groups.setdefault(digest, named)
            if not own and half_of(group) != self._split:
                continue
            boxes, labels = self._boxes(entry, content, id) if self._objects else ((), ())
            if self._objects and not boxes:
                self.left_out[NO_OBJECT] += 1
                continue
            found.append(Row(id, group, content, boxes, labels))
            if most is not None and len(found) >= most:
                break
        self._check.refuse(self._path)
        return found

    def remarks(self) -> tuple[str, ...]:
        """What there is to say of rows that were taken."""
        said = {"pictures equal to another, in one split with it": self.equal, CUT: self.cut}
        return tuple(counted(count, what) for what, count in said.items() if count)

    def _content(self, entry: Mapping[str, Any], number: int) -> bytes:
        value = entry[self._picture]
        content = value.get("bytes") if isinstance(value, Mapping) else value
        if content is None and isinstance(value, Mapping) and value.get("path"):
            content = Path(value["path"]).read_bytes()
        if not isinstance(content, bytes) or not content:
            raise DataError(f"{self._path}: row {number} has no picture in column {self._picture!r}")
        return content

    def _boxes(
        self, entry: Mapping[str, Any], content: bytes, id: str
    ) -> tuple[tuple[tuple[float, ...], ...], tuple[str, ...]]:
        """Boxes, xyxy in [0, 1], and their classes. Raises: DataError."""
        objects = entry.get(str(self._objects)) or {}
        objects = _by_column(objects)
        column = next((name for name in NAMES if name in objects), None)
        written = objects.get("bbox") or []
        classes = objects[column] if column else [None] * len(written)
        size = size_in(BytesIO(content), f"row {id}", self._max_pixels)
        boxes, labels = [], []
        for four, kind in zip(written, classes, strict=True):
            box = self._box(four, size, f"{self._path}: row {id}")
            if box is None:
                self.left_out[NO_AREA] += 1
                continue
            boxes.append(box)
            labels.append(self._label(column, kind))
        return tuple(boxes), tuple(labels)

    def _box(self, written: Any, size: Size, where: str) -> tuple[float, ...] | None:
        four = numbers_of(list(written))
        if four is None or len(four) != 4:
            raise DataError(f"{where} has bbox {written}, not four numbers [x, y, width, height] in pixels")
        if four[2] <= 0 or four[3] <= 0:
            return None
        self._check.take(four, size)
        self._check.place(four, size, where)
        left, top, right, bottom = cut(four, size)
        if right <= left or bottom <= top:
            return None
        self.cut += beyond((four[0], four[1], four[0] + four[2], four[1] + four[3]), size) > SLACK_PX
        width, height = size
        return left / width, top / height, right / width, bottom / height

    def _label(self, column: str | None, kind: Any) -> str:
        if kind is None:
            return ""
        names = self._names.get(str(column)) or []
        return str(names[kind]) if isinstance(kind, int) and 0 <= kind < len(names) else str(kind)


def _loaded(path: str, local: bool, streaming: bool) -> Mapping[str, Any]:
    """Tables by split, pictures left encoded. Raises: DataError."""
    try:
        datasets = import_module("datasets")
    except ImportError as error:
        raise DataError("data set hf needs the datasets library: pip install 'foresight-harness[hf]'") from error
    name, _, config = (path, "", "") if local else path.partition(":")
    try:
        if local and any((Path(path) / name).exists() for name in ("dataset_dict.json", "state.json")):
            found = datasets.load_from_disk(path)
        else:
            found = datasets.load_dataset(name, config or None, streaming=streaming)
        parts = found if isinstance(found, Mapping) else {"train": found}
        return {split: _encoded(datasets, table) for split, table in parts.items()}
    except DataError:
        raise
    except Exception as error:  # the library raises whatever its readers and the network raise
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"hf:{path} cannot be opened ({type(error).__name__}: {reason})") from error


def _encoded(datasets: Any, table: Any) -> Any:
    """The table with its pictures left as they are stored, and its columns known."""
    if table.features is None:  # of a streamed set they are known once a row was seen
        table = table._resolve_features()
    for name, feature in (table.features or {}).items():
        if isinstance(feature, datasets.Image):
            table = table.cast_column(name, datasets.Image(decode=False))
    return table


def _of_split(parts: Mapping[str, Any], split: Split) -> tuple[Any, bool]:
    """The table of a split, and whether it is of this split alone."""
    tests = [name for name in TEST if name in parts]
    if "train" in parts and tests:
        return (parts["train"] if split == "train" else parts[tests[0]]), True
    return next(iter(parts.values())), False


def _picture_column(path: str, features: Mapping[str, Any]) -> str:
    """The column of pictures. Raises: DataError where there is none, or it is not clear which."""
    found = [name for name, feature in features.items() if type(feature).__name__ == "Image"]
    if len(found) == 1 or "image" in found:
        return "image" if "image" in found else found[0]
    if "image" in features:
        return "image"
    raise DataError(f"{path} has {len(found)} columns of pictures among {', '.join(features)}; one is wanted, image")


def _names_of(feature: Any) -> dict[str, list[str]]:
    """Class names within a column of objects, by its parts."""
    inner = getattr(feature, "feature", feature[0] if isinstance(feature, list) and feature else feature)
    if not isinstance(inner, Mapping):
        return {}
    return {name: list(getattr(getattr(part, "feature", part), "names", None) or []) for name, part in inner.items()}


def _by_column(objects: Any) -> Mapping[str, list[Any]]:
    """Objects as lists by name, also where they are a list of objects."""
    if isinstance(objects, Mapping):
        return objects
    names = {name for one in objects for name in one}
    return {name: [one.get(name) for one in objects] for name in names}
