"""A COCO folder of train2017's size: seconds of processor time and memory until it is open, and until it is checked.

    python benchmarks/perf/coco_of_public_size.py [--pictures 118000] [--folder DIR] [--write]

The folder is generated with train2017's statistics: 7.3 annotations a picture, one in a hundred pictures without any,
polygons of 6 to 80 points, 1 % crowds as run-length codes, two boxes of height 0. Its pictures are PNG files of a few
hundred bytes, no two equal. Each measurement is a process of its own. Fails where opening takes 60 s of processor time
or 2 GiB, or checking 120 s; the bars were set before measuring.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np

FIGURES = Path(__file__).with_suffix(".json")
PER_PICTURE, CROWDS, EMPTY, CATEGORIES = 7.36, 0.0117, 0.0087, 80
SIDES = (640, 480)
MOST_OPEN_S, MOST_OPEN_GIB, MOST_CHECK_S = 60.0, 2.0, 120.0
OPEN = (
    "import sys; from foresight_harness import DataRequest;"
    "from foresight_harness.parts.datasets.coco import CocoFolder;"
    "found = CocoFolder.open(DataRequest('train', count=2000, path=sys.argv[1], canvas_px=448));"
    "print(len(found), found.left_out)"
)
CHECK = (
    "import sys; from foresight_harness.surface.command import main;"
    "main(['data', 'check', sys.argv[1], '--json', '--sheet', sys.argv[1] + '/sheet.png'])"
)


def png(number: int, width: int, height: int) -> bytes:
    """A palette picture of one grey that no other number gives the same bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x03\0\0\0"
    palette = number.to_bytes(3, "big") + b"\xff\xff\xff"
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", white_rows(width, height)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in parts)


@lru_cache(maxsize=1)
def white_rows(width: int, height: int) -> bytes:
    """Pixels of the first colour, compressed."""
    return zlib.compress((b"\0" * (width + 1)) * height, 1)


def generate(folder: Path, pictures: int) -> None:
    """Write the folder: ``train2017/`` beside ``annotations/instances_train2017.json``."""
    rng = np.random.default_rng(0)
    (folder / "annotations").mkdir(parents=True)
    (folder / "train2017").mkdir()
    width, height = SIDES
    images, written = [], 0
    with (folder / "annotations" / "instances_train2017.json").open("w") as stream:
        stream.write('{"info": {"year": 2017}, "licenses": [], "annotations_come": "last", "images": [')
        for number in range(pictures):
            name = f"{number:012d}.png"
            (folder / "train2017" / name).write_bytes(png(number, width, height))
            images.append(
                json.dumps({"license": 1, "file_name": name, "height": height, "width": width, "id": 7 * number + 9})
            )
        stream.write(", ".join(images) + '], "annotations": [')
        for number in range(pictures):
            count = 0 if rng.random() < EMPTY else max(1, rng.poisson(PER_PICTURE))
            for _ in range(count):
                stream.write((", " if written else "") + json.dumps(annotation(rng, written, 7 * number + 9)))
                written += 1
        names = [{"id": number, "name": f"kind {number}", "supercategory": "x"} for number in range(CATEGORIES)]
        stream.write(f'], "categories": {json.dumps(names)}}}')
    print(f"{pictures} pictures, {written} annotations")


def annotation(rng: np.random.Generator, number: int, image: int) -> dict[str, object]:
    """An object as COCO writes it; the 10th and 20th are of height 0."""
    width, height = SIDES
    w, h = np.minimum(np.exp(rng.normal(3.8, 1.1, 2)) + 2, (width - 2, height - 2))
    x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
    shared: dict[str, object] = {"image_id": image, "category_id": int(rng.integers(CATEGORIES)), "id": number + 1}
    if number in (10, 20):
        flat = [[round(x, 2), round(y, 2), round(x + 1, 2), round(y, 2), round(x, 2), round(y, 2)]]
        return {"segmentation": flat, "area": 0.0, "iscrowd": 0, "bbox": [round(x, 2), round(y, 2), 1.0, 0.0], **shared}
    if rng.random() < CROWDS:
        left, right, top, bottom = int(x), int(x + w) + 1, int(y), int(y + h) + 1
        inner = [bottom - top, height - (bottom - top)] * (right - left - 1)
        counts = [left * height + top, *inner, bottom - top]
        counts.append(width * height - sum(counts))
        code = {"counts": counts, "size": [height, width]}
        box = [left, top, right - left, bottom - top]
        return {"segmentation": code, "area": box[2] * box[3], "iscrowd": 1, "bbox": box, **shared}
    points = int(np.clip(rng.lognormal(3.0, 0.6), 6, 80))
    turns = np.sort(rng.uniform(0, 2 * np.pi, points))
    ring = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    ring = (ring - ring.min(axis=0)) / np.ptp(ring, axis=0)
    polygon = np.round(ring * [w, h] + [x, y], 2)
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    box = [round(float(value), 2) for value in (*low, *(high - low))]
    area = float(w * h / 2)
    return {"segmentation": [polygon.ravel().tolist()], "area": area, "iscrowd": 0, "bbox": box, **shared}


def measured(code: str, folder: Path) -> dict[str, float]:
    """Processor seconds and peak memory of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    watched = f"{code}; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", watched, str(folder)], capture_output=True, text=True, check=False)
    wall = time.perf_counter() - began
    print(done.stdout[-2000:], done.stderr[-2000:])
    done.check_returncode()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "processor_s": round(cpu, 1),
        "wall_s": round(wall, 1),
        "peak_gib": round(int(done.stdout.split()[-1]) / 2**20, 2),
    }


def main() -> int:
    """Generate, measure, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=118_000)
    parser.add_argument("--folder", type=Path, help="keep the generated folder there, or use what lies there")
    parser.add_argument("--only", choices=("open", "check"))
    parser.add_argument("--write", action="store_true", help=f"write {FIGURES.name}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch) / "coco"
        if not folder.is_dir():
            generate(folder, options.pictures)
        figures = {
            name: measured(code, folder)
            for name, code in (("open", OPEN), ("check", CHECK))
            if options.only in (None, name)
        }
    size = {"pictures": options.pictures}
    print(json.dumps(size | figures, indent=1))
    if options.write:
        FIGURES.write_text(json.dumps(size | figures, indent=1) + "\n")
    opened, checked = figures.get("open"), figures.get("check")
    late = opened is not None and (opened["processor_s"] >= MOST_OPEN_S or opened["peak_gib"] >= MOST_OPEN_GIB)
    return int(late or (checked is not None and checked["processor_s"] >= MOST_CHECK_S))


if __name__ == "__main__":
    sys.exit(main())
