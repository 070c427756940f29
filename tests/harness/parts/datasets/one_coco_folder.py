"""A COCO folder of a few plain pictures, as dicts, and how a test opens it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.coco import CocoFolder

Content = dict[str, Any]


CORNER = [[0, 0, 20, 0, 20, 15, 0, 15]]


def annotation(image: int, id: int = 1, **fields: Any) -> Content:
    return {"id": id, "image_id": image, "category_id": 7, "bbox": [0, 0, 20, 15], "segmentation": CORNER, **fields}


def content_of(sizes: list[tuple[int, int]], annotations: list[Content], **fields: Any) -> Content:
    images = [
        {"id": number, "file_name": f"{number}.png", "width": width, "height": height, **fields}
        for number, (width, height) in enumerate(sizes, start=1)
    ]
    return {"images": images, "annotations": annotations, "categories": [{"id": 7, "name": "dog"}]}


def opened(folder: Path, split: str = "test", **fields: Any) -> CocoFolder:
    return CocoFolder.open(DataRequest(split, path=str(folder), **{"canvas_px": 32, **fields}))  # type: ignore[arg-type]


def one(width: int = 40, height: int = 30, **fields: Any) -> Content:
    return content_of([(width, height)], [annotation(1, **fields)], split="test")
