"""A fingerprint is of what a data set shows: neither the order of its file nor the packing of its pictures is part."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets import pixel_digests
from foresight_harness.parts.datasets.coco import CocoFolder
from PIL import Image


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pictures with two objects each, one with a polygon."""
    place = tmp_path / "set"
    (place / "images").mkdir(parents=True)
    images, annotations = [], []
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / "images" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": 60, "height": 40, "split": "test"})
        for index, box in enumerate(([5, 5, 20, 10], [30, 8, 20, 20])):
            left, top, width, height = box
            corners = [left, top, left + width, top, left + width, top + height, left, top + height]
            annotations.append(
                {
                    **{"id": 2 * number + index, "image_id": number, "category_id": index, "bbox": box},
                    "segmentation": [corners],
                }
            )
    write(
        place,
        {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": i, "name": n} for i, n in enumerate("ab")],
        },
    )
    return place


def write(folder: Path, content: dict[str, Any]) -> None:
    (folder / "annotations.json").write_text(json.dumps(content))


def opened(folder: Path, **fields: Any) -> CocoFolder:
    return CocoFolder.open(DataRequest("test", path=str(folder), canvas_px=32, **fields))


def content(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "annotations.json").read_text())  # type: ignore[no-any-return]


def reversed_lists(folder: Path) -> None:
    write(folder, {name: list(reversed(entries)) for name, entries in content(folder).items()})


def as_floats(folder: Path) -> None:
    known = content(folder)
    for one in known["annotations"]:
        one["bbox"] = [float(side) for side in one["bbox"]]
        one["segmentation"] = [[float(side) for side in part] for part in one["segmentation"]]
    write(folder, known)


def reencoded(folder: Path) -> None:
    for path in (folder / "images").iterdir():
        before = path.read_bytes()
        Image.open(path).save(path, compress_level=1)
        assert path.read_bytes() != before


def one_pixel(folder: Path) -> None:
    path = folder / "images" / "3.png"
    pixels = np.array(Image.open(path))
    pixels[7, 9, 1] ^= 1
    Image.fromarray(pixels).save(path)


def moved_box(folder: Path) -> None:
    known = content(folder)
    known["annotations"][4]["bbox"][0] += 1
    known["annotations"][4].pop("segmentation")
    write(folder, known)


def moved_corner(folder: Path) -> None:
    known = content(folder)
    known["annotations"][4]["segmentation"][0][2] -= 0.5
    write(folder, known)


def renamed_class(folder: Path) -> None:
    known = content(folder)
    known["categories"][0]["name"] = "c"
    write(folder, known)


@pytest.mark.parametrize("change", [reversed_lists, as_floats, reencoded])
@pytest.mark.parametrize("count", [None, 4])
def test_order_notation_and_packing_change_nothing(
    folder: Path, change: Callable[[Path], None], count: int | None
) -> None:
    before = opened(folder, count=count)
    samples = [(sample.id, sample.group, sample.boxes.tolist(), sample.labels) for sample in before]
    change(folder)
    after = opened(folder, count=count)
    assert after.fingerprint == before.fingerprint
    assert [(sample.id, sample.group, sample.boxes.tolist(), sample.labels) for sample in after] == samples
    assert all((one.clip == other.clip).all() for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("change", [one_pixel, moved_box, moved_corner, renamed_class])
def test_a_changed_pixel_box_corner_or_name_does(folder: Path, change: Callable[[Path], None]) -> None:
    before = opened(folder).fingerprint
    change(folder)
    assert opened(folder).fingerprint != before


def test_a_picture_is_decoded_for_its_digest_once_on_a_machine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = opened(folder).fingerprint
    pixel_digests._remembered.cache_clear()
    monkeypatch.setattr(pixel_digests, "read_picture", lambda *arguments: pytest.fail("decoded again"))
    assert opened(folder).fingerprint == before


def test_a_damaged_memory_is_passed_over(folder: Path, tmp_path: Path) -> None:
    before = opened(folder).fingerprint
    memory = tmp_path / "user" / "foresight" / "pixels-1.txt"
    memory.write_bytes(b"\xff\x00 cut\n" + memory.read_bytes()[:100])
    pixel_digests._remembered.cache_clear()
    assert opened(folder).fingerprint == before


def test_a_picture_that_cannot_be_decoded_leaves_the_word_to_whoever_reads_it(folder: Path) -> None:
    (folder / "images" / "3.png").write_bytes((folder / "images" / "3.png").read_bytes()[:200])
    assert len(opened(folder).fingerprint) == 64
