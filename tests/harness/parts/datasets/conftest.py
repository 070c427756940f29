"""A data set that counts its accesses, and COCO exports of a dozen pictures."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.protocols import Sample
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
Content = dict[str, Any]
WIDTH, HEIGHT = 48, 36


class Counted:
    """A data set of given samples that counts its accesses."""

    name, split, fingerprint = "counted", "test", "0"

    def __init__(self, samples: list[Sample]) -> None:
        self.samples = samples
        self.decoded: list[int] = []

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        self.decoded.append(index)
        return self.samples[index]


@pytest.fixture
def dataset_of() -> type[Counted]:
    return Counted


@pytest.fixture
def counted() -> Counted:
    drawn = Shapes(DataRequest("train", count=5, canvas_px=32))
    return Counted([drawn[index] for index in range(5)])


def coco_content(count: int = 12, *, first: int = 1, suffix: str = "png") -> Content:
    """Annotations of that many pictures, one object each, with its polygon."""
    images = [
        {"id": id, "file_name": f"{id:03d}.{suffix}", "width": WIDTH, "height": HEIGHT}
        for id in range(first, first + count)
    ]
    annotations = []
    for entry in images:
        x, y, w, h = 2 + entry["id"] % 7, 3 + entry["id"] % 5, 20, 16
        polygon = [[x, y, x + w, y, x + w, y + h, x, y + h]]
        annotations.append(
            {"id": entry["id"], "image_id": entry["id"], "category_id": 3, "bbox": [x, y, w, h], "area": w * h}
            | {"iscrowd": 0, "segmentation": polygon}
        )
    return {"images": images, "annotations": annotations, "categories": [{"id": 3, "name": "thing"}]}


def write_coco_pictures(folder: Path, content: Content, seed: int = 0) -> None:
    """The pictures that annotations name, no two equal."""
    for entry in content["images"]:
        path = folder / entry["file_name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng((seed, entry["id"])).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)


@pytest.fixture
def coco_export(tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder with ``annotations.json`` and ``images/``, its content changed before it is written."""

    def write(change: Callable[[Content], object] | None = None, *, suffix: str = "png", count: int = 12) -> Path:
        content = coco_content(count, suffix=suffix)
        write_coco_pictures(tmp_path / "images", content)
        if change is not None:
            change(content)
        (tmp_path / "annotations.json").write_text(json.dumps(content), encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def coco_parts() -> Callable[..., Path]:
    """Writes exports of several files of annotations: (folder of the pictures, file, first id) each."""

    def write(root: Path, parts: list[tuple[str, str, int]], prefix: str = "", *, equal: bool = False) -> Path:
        for seed, (pictures, file, first) in enumerate(parts):
            content = coco_content(first=first)
            write_coco_pictures(root / pictures, content, 0 if equal else seed)
            for entry in content["images"]:
                entry["file_name"] = prefix + entry["file_name"]
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(json.dumps(content))
        return root

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes a COCO folder: its annotations, and its pictures or plain ones of the sizes that they say."""

    def write(content: Content | str, pictures: dict[str, Image.Image | bytes] | None = None) -> Path:
        (tmp_path / "images").mkdir(exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "annotations.json").write_text(text)
        if pictures is None and isinstance(content, dict):
            pictures = {
                entry["file_name"]: Image.new("RGB", (entry["width"], entry["height"]), (0, number, 128))
                for number, entry in enumerate(content["images"])  # unequal: equal ones are kept together
            }
        for name, picture in (pictures or {}).items():
            path = tmp_path / "images" / name
            if isinstance(picture, bytes):
                path.write_bytes(picture)
            else:
                picture.save(path)
        return tmp_path

    return write
