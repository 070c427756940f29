"""Small real pictures for generated runs: shapes, their blurred outputs, error maps and boxes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 96


def write_media(
    folder: Path, candidates: Sequence[tuple[str, str]], values: Mapping[tuple[str, str], Any], count: int
) -> None:
    """Write ``media/`` with its index for the first ``count`` samples of the given (candidate, cell) pairs."""
    (folder / "media").mkdir(exist_ok=True)
    lines: list[dict[str, Any]] = []
    for number in range(count):
        rng = np.random.default_rng(number)
        picture, box = _scene(rng)
        sample = f"shapes/{number:04d}"
        target = _save(folder, picture, f"target_{number:02d}")
        trip = _save(folder, picture.filter(ImageFilter.GaussianBlur(0.8)), f"round_trip_{number:02d}")
        lines.append(_line("target", None, None, sample, target))
        lines.append(
            _line("round_trip", None, None, sample, trip, metric="lpips_random_trunk", value=0.11 + number / 300)
        )
        for place, (candidate, cell) in enumerate(candidates):
            blurred = picture.filter(ImageFilter.GaussianBlur(1.5 + place))
            difference = np.abs(np.asarray(picture, float) - np.asarray(blurred, float)).mean(axis=2)
            error = Image.fromarray(_heat(np.clip(difference / 80, 0, 1)))
            output = _save(folder, blurred, f"{cell}_{number:02d}")
            shift = rng.normal(0, 0.02 + 0.02 * place, 4)
            found = [float(np.clip(end + move, 0, 1)) for end, move in zip(box, shift, strict=True)]
            lpips = (
                float(values[candidate, "lpips_random_trunk"][number % len(values[candidate, "lpips_random_trunk"])])
                if (candidate, "lpips_random_trunk") in values
                else None
            )
            if number < 2 and place < 2:
                lines.append(_clip(folder, picture, cell, candidate, number))
            iou = float(values[candidate, "iou"][number % len(values[candidate, "iou"])])
            shared = {"metric": "lpips_random_trunk", "value": lpips}
            lines.append(_line("output", cell, candidate, sample, output, **shared))
            lines.append(
                _line("error", cell, candidate, sample, _save(folder, error, f"{cell}_{number:02d}_e"))
                | {"scale_max": 0.314}
            )
            lines.append(
                _line("boxes", cell, candidate, sample, target, metric="iou", value=iou)
                | {"boxes_true": [box], "boxes_predicted": [found]}
            )
    file = folder / "media" / "index.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _line(
    kind: str, cell: str | None, candidate: str | None, sample: str, path: str, metric: Any = None, value: Any = None
) -> dict[str, Any]:
    line = {"schema": 1, "kind": kind, "cell": cell, "candidate": candidate, "dataset": "shapes", "sample": sample}
    return {
        **line,
        "path": path,
        "metric": metric,
        "value": value,
        "boxes_true": None,
        "boxes_predicted": None,
        "label": None,
    }


def _clip(folder: Path, picture: Image.Image, cell: str, candidate: str, number: int) -> dict[str, Any]:
    """A picture that moves to the right, as a looping picture with its middle frame as still."""
    frames = [Image.fromarray(np.roll(np.asarray(picture), 6 * step, axis=1)) for step in range(5)]
    path = f"media/{cell}_{number:02d}_clip.webp"
    frames[0].save(folder / path, "WEBP", quality=60, save_all=True, append_images=frames[1:], duration=160, loop=0)
    line = _line("clip", cell, candidate, f"clips/{number:04d}", path, metric="direction_accuracy", value=float(number))
    return line | {"still": _save(folder, frames[2], f"{cell}_{number:02d}_still"), "frames": 5, "label": "moves right"}


def _save(folder: Path, picture: Image.Image, name: str) -> str:
    path = f"media/{name}.webp"
    picture.save(folder / path, "WEBP", quality=72)
    return path


def _scene(rng: np.random.Generator) -> tuple[Image.Image, list[float]]:
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    sky, ground = rng.integers(60, 200, 3), rng.integers(60, 200, 3)
    noise = 14 * rng.standard_normal((SIDE, SIDE, 1))
    base = sky * (1 - rows[..., None]) + ground * rows[..., None] + 25 * np.sin(9 * columns)[..., None] + noise
    picture = Image.fromarray(np.clip(base, 0, 255).astype(np.uint8))
    size = rng.uniform(0.2, 0.4, 2)
    left, top = rng.uniform(0, 1 - size)
    box = [float(left), float(top), float(left + size[0]), float(top + size[1])]
    draw = ImageDraw.Draw(picture)
    fill = tuple(int(value) for value in rng.integers(0, 255, 3))
    shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
    shape([end * SIDE for end in box], fill=fill)
    return picture, box


def _heat(share: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A black-to-yellow map. [H, W] to [H, W, 3] uint8"""
    red, green, blue = np.clip(share * 2.2, 0, 1), np.clip(share * 1.8 - 0.6, 0, 1), np.clip(share * 0.6, 0, 0.35)
    return (np.stack([red, green, blue], axis=-1) * 255).astype(np.uint8)
