"""Inputs that public reports tell of, one of each, through the whole of a data set: train and test, every sample."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.coco import CocoFolder
from PIL import Image

Export = Callable[..., Path]


def read_all(path: Path) -> int:
    """Objects of all samples of both splits."""
    count = 0
    for split in ("train", "test"):
        dataset = CocoFolder.open(DataRequest(split, path=str(path), canvas_px=32))  # type: ignore[arg-type]
        count += sum(dataset[index].boxes.shape[1] for index in range(len(dataset)))
    return count


@pytest.mark.parametrize("suffix", ["tif", "gif", "avif", "ppm", "webp", "bmp", "jpg", "jp2"])
def test_annotated_pictures_of_any_format_are_read(suffix: str, coco_export: Export) -> None:
    assert read_all(coco_export(suffix=suffix)) == 12


def test_an_annotated_picture_with_a_broken_rational_is_read(coco_export: Export) -> None:
    root = coco_export(suffix="jpg")
    path = root / "images" / "005.jpg"
    turned = struct.pack("<HHIHH", 0x112, 3, 1, 3, 0)
    rational = struct.pack("<HHII", 0x11A, 10, 1, 38)
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + turned + rational + struct.pack("<Iii", 0, -1, 0)
    stream = BytesIO()
    with Image.open(path) as opened:
        opened.save(stream, "JPEG")
    content = stream.getvalue()
    path.write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + content[2:])
    assert read_all(root) == 12


def test_a_limit_of_pixels_reaches_the_pictures_of_a_set(coco_export: Export) -> None:
    from foresight_harness.contracts.errors import DataError

    request = DataRequest("train", path=str(coco_export()), canvas_px=32, max_pixels=100)
    with pytest.raises(DataError, match="has 48x36 pixels, more than 100"):
        CocoFolder.open(request)[0]


def test_half_of_the_crowds_as_text_loses_no_object(coco_export: Export) -> None:
    def half(content: dict[str, Any]) -> None:
        for entry in content["annotations"][::2]:
            entry["iscrowd"] = "0"

    assert read_all(coco_export(half)) == 12
