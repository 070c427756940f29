"""Writes the session and the figures of ``first-run.md`` from a first run in an empty folder.

    python docs/first_run.py [--write]

A user with 100 labelled pictures types what ``SESSION`` holds, each line a process of its own. The pictures are of
``kinds``, written as files in COCO's layout, so that the harness reads them as it would any others. What differs from
run to run or names this machine is replaced: paths, ids, seconds. Weights and nothing else are there before: the cache
of features is empty, because it lies in the folder.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).with_name("first-run.md")
PICTURES = 100
SESSION = (
    "foresight-bench data check coco:pictures",
    "foresight-bench run --candidate alexnet@relu3 --dataset coco:pictures -k spatial -q",
    "foresight-bench rank latest",
)
START = "from foresight_harness.surface.command import main; raise SystemExit(main())"
SAID = re.compile(r"(?<=<!-- session -->\n).*?(?=<!-- end -->)", re.DOTALL)
FIGURES = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- end -->)", re.DOTALL)


class Done(NamedTuple):
    """One line of the session, carried out."""

    line: str
    said: str
    cpu_s: float
    wall_s: float


def write_pictures(folder: Path, count: int) -> None:
    """So many pictures with a box each, in COCO's layout; train and test are left to the harness."""
    from foresight_harness.contracts.specs import DataRequest
    from foresight_harness.planning.registry import load_registry
    from PIL import Image

    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    made = load_registry().datasets["kinds"].build(DataRequest(split="train", count=count, canvas_px=224))
    for number in range(count):
        sample = made[number]
        pixels = (sample.clip[0].permute(1, 2, 0) * 255).round().byte().numpy()
        height, width = pixels.shape[:2]
        Image.fromarray(pixels).save(folder / "images" / f"{number:03d}.png")
        x0, y0, x1, y1 = (float(value) for value in sample.boxes[0, 0])
        box = [x0 * width, y0 * height, (x1 - x0) * width, (y1 - y0) * height]
        images.append({"id": number, "file_name": f"{number:03d}.png", "height": height, "width": width})
        annotations.append({"id": number, "image_id": number, "category_id": 1, "bbox": box, "iscrowd": 0})
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "star"}]}
    (folder / "annotations.json").write_text(json.dumps(content), encoding="utf-8")


def carried_out(line: str, folder: Path) -> Done:
    """One command in a process of its own. Raises: CalledProcessError, with what it said."""
    words = [sys.executable, "-c", START, *shlex.split(line)[1:]]
    quiet = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"), "COLUMNS": "100"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(words, cwd=folder, env=quiet, capture_output=True, text=True, check=False)
    wall_s, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{line}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Done(line, done.stdout, cpu_s, wall_s)


def without_what_differs(text: str, folder: Path) -> str:
    """The same for every machine and hour: paths below the folder, ``RUN`` for ids, ``...`` for seconds."""
    for shown in (f"{folder}/", f"{folder.resolve()}/"):
        text = text.replace(shown, "")
    text = re.sub(r"\d{8}T\d{6}Z_[0-9a-z]+_[0-9a-f]{4}", "RUN", text)
    text = re.sub(r"\b\d+(?:\.\d+)?(?= s (?:taken|passed)\b| predicted)", "...", text)
    text = re.sub(r"(?<= in )\d+\.\d+s(?: \([\d:]+\))?", "...", text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def transcript(done: list[Done], folder: Path) -> str:
    """What was typed, and below it what the terminal showed."""
    return "\n".join(
        f"```sh\n{one.line}\n```\n```text\n{without_what_differs(one.said, folder)}\n```\n" for one in done
    )


def figures(done: list[Done], load: float) -> str:
    """One row a command, and what the machine had to do beside."""
    rows = [f"| {one.line.split()[1]} | {one.cpu_s:.1f} | {one.wall_s:.0f} |" for one in done]
    cpu_s, wall_s = sum(one.cpu_s for one in done), sum(one.wall_s for one in done)
    return "\n".join(
        [
            "| command | processor s | wall s |",
            "|---|---:|---:|",
            *rows,
            f"| together | {cpu_s:.1f} | {wall_s:.0f} |",
            "",
            f"{os.cpu_count()} cores, at a load of {load:.0f} over the five minutes before, from other work.",
            "",
        ]
    )


def main() -> None:
    """Carry the session out, print it, and fail above three minutes of processor time."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"put session and figures into {PAGE.name}")
    arguments = parser.parse_args()
    load = os.getloadavg()[1]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_pictures(folder / "pictures", PICTURES)
        done = [carried_out(line, folder) for line in SESSION]
        session, table = transcript(done, folder), figures(done, load)
    print(session, table, sep="\n")
    if arguments.write:
        put(session, table)
    if sum(one.cpu_s for one in done) > 180:
        sys.exit("over three minutes")


def put(session: str, table: str) -> None:
    """Replace both parts of the page."""
    text = PAGE.read_text(encoding="utf-8")
    for pattern, part in ((SAID, session), (FIGURES, table)):
        text = pattern.sub(part.replace("\\", r"\\"), text, count=1)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
