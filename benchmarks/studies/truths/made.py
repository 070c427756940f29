"""What rows are tried on: plugins of one file, and folders of pictures with boxes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from checkout import Place
from PIL import Image

ENCODER = """
import os
import sys
from pathlib import Path

import torch
from foresight_harness import EncoderSpec, TapSpec, hookimpl
from foresight_harness.grids import TokenGrid
{imports}


class Colours:
    def __init__(self, request):
        {build}

    def encode(self, clips, taps):
        {encode}
        grid = torch.nn.functional.avg_pool2d(clips.flatten(0, 1), 16).permute(0, 2, 3, 1)
        {after}
        return dict.fromkeys(taps, TokenGrid(grid.unflatten(0, clips.shape[:2])))

    def facts(self):
        return {{"params": 0}}


@hookimpl
def foresight_encoders():
    return [EncoderSpec("{name}", Colours, (TapSpec("patch", 3, 16),), "patch", 64, params=0, size="tiny")]
"""


def plugin(place: Place, name: str, source: str) -> Path:
    """A plugin of one file with its entry point, on the path of the row's commands. Returns: its folder."""
    folder = place.folder / f"site_{name}"
    info = folder / f"foresight_{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: foresight-{name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[foresight]\n{name} = foresight_{name}\n", encoding="utf-8")
    (folder / f"foresight_{name}.py").write_text(source, encoding="utf-8")
    place.sites.append(folder)
    return folder


def encoder(place: Place, name: str, **lines: str) -> str:
    """A plugin with an encoder of mean colours, and lines of its own. Returns: its candidate.

    Args:
        lines: ``imports``, ``build``, ``encode`` and ``after``, one statement each; what is left out does nothing.
    """
    given = {"imports": "", "build": "pass", "encode": "pass", "after": "pass", **lines}
    plugin(place, name, ENCODER.format(name=f"{name}_tiny", **given))
    return f"{name}_tiny@patch/identity/single/linear"


def coco(
    folder: Path, count: int = 24, ids: Sequence[Any] = (), order: int = 1, level: int = 0, **entry: dict[int, Any]
) -> Path:
    """A folder of pictures with one box each, every second one of the test split.

    Args:
        ids: Of the first pictures, instead of their numbers.
        order: 1 or -1: that of the lists.
        level: Added to one pixel of each picture.
        entry: ``file_name={0: "x.png"}``: other entries of pictures by their place; their files stay as they are.
    """
    (folder / "images").mkdir(parents=True)
    draw = np.random.default_rng(1)
    images, annotations = [], []
    for place in range(count):
        pixels = draw.integers(60, 120, (72, 96, 3), dtype=np.uint8)
        w, h = (int(side) for side in draw.integers(16, 40, 2))
        x, y = int(draw.integers(0, 96 - w)), int(draw.integers(0, 72 - h))
        pixels[y : y + h, x : x + w] = draw.integers(0, 255, 3)
        pixels[0, 0] += np.uint8(level)
        name = f"{place:04d}.png"
        Image.fromarray(pixels).save(folder / "images" / name)
        who = ids[place] if place < len(ids) else place
        image = {"id": who, "file_name": name, "width": 96, "height": 72, "split": ("train", "test")[place % 2]}
        images.append(image | {key: other[place] for key, other in entry.items() if place in other})
        annotations.append({"id": place, "image_id": who, "bbox": [x, y, w, h], "area": w * h, "iscrowd": 0})
        annotations[-1]["category_id"] = 1
    content = {"images": images[::order], "annotations": annotations[::order], "categories": [{"id": 1, "name": "a"}]}
    (folder / "annotations.json").write_text(json.dumps(content), encoding="utf-8")
    return folder
