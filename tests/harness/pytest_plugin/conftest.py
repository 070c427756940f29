"""A folder of photographs in COCO's layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from skimage import data


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Twelve crops of a real photograph, JPEG and PNG, of unequal sizes, one box each."""
    folder = tmp_path / "photographs"
    (folder / "images").mkdir(parents=True)
    astronaut = data.astronaut()
    images, annotations = [], []
    for index in range(12):
        height, width = 160 + 8 * index, 200 - 5 * index
        crop = astronaut[20 * index : 20 * index + height, 15 * index : 15 * index + width]
        name = f"picture_{index}.{'jpg' if index % 2 else 'png'}"
        Image.fromarray(crop).save(folder / "images" / name)
        split = ("train", "test")[index % 2]
        images.append({"id": index, "file_name": name, "height": height, "width": width, "split": split})
        box = [20 + 3 * index, 30, 60, 50]
        annotations.append({"id": index, "image_id": index, "category_id": 1, "bbox": box, "area": 3000, "iscrowd": 0})
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder
