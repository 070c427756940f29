"""Pictures for the report, as small WebP files with one index line each."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from foresight_harness.contracts.identity import digest
from foresight_harness.contracts.outcomes import Picture

QUALITY = 80
SHARED = ("target", "boxes", "clip")
"""Kinds whose pixels are the data set's own: written once, whatever candidate they are shown for."""
FRAME_MS = 160
"""How long a frame of a clip is shown: slow enough to follow nine frames by eye."""


def write_pictures(
    folder: Path, cell: str, candidate: str, dataset: str, pictures: Sequence[Picture]
) -> list[dict[str, Any]]:
    """Write pictures under ``folder/media`` and return their index lines.

    A target belongs to the data set, not to a candidate, and is written once a run.
    """
    lines = []
    for picture in pictures:
        shared = picture.kind in SHARED
        owner = _folder(dataset) if shared else f"{_folder(dataset)}/{cell}"
        moves = picture.pixels is not None and picture.pixels.ndim == 4
        path = _path(folder, Path("media") / owner, picture, shared=shared)
        still = path.with_name(f"{path.stem}_still.webp") if moves else None
        if picture.pixels is not None and not (folder / path).exists():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            if still is not None:
                _animate(picture.pixels, folder / path, folder / still)
            else:
                _save(_image(picture.pixels), folder / path)
        lines.append(
            {
                "kind": picture.kind,
                "cell": None if picture.kind == "target" else cell,
                "candidate": None if picture.kind == "target" else candidate,
                "dataset": dataset,
                "sample": picture.sample,
                "path": path.as_posix(),
                "still": still.as_posix() if still else None,
                "frames": len(picture.pixels) if moves else None,
                "metric": picture.metric,
                "value": picture.value,
                "boxes_true": [[round(float(side), 5) for side in box] for box in picture.boxes_true],
                "boxes_predicted": [[round(float(side), 5) for side in box] for box in picture.boxes_predicted],
                "scale_max": picture.scale_max,
                "label": picture.label,
            }
        )
    return lines


def _image(pixels: Tensor) -> Image.Image:
    """[3, H, W] colour, [1, H, W] or [H, W] magnitude, in [0, 1]."""
    plane = pixels[0] if pixels.ndim == 3 and len(pixels) == 1 else pixels
    values = (plane.clamp(0, 1) * 255).round().to("cpu").numpy().astype(np.uint8)
    return Image.fromarray(values if values.ndim == 2 else values.transpose(1, 2, 0))


def _animate(clip: Tensor, moving: Path, still: Path) -> None:
    """A clip [T, 3, H, W] or [T, 1, H, W] as a looping picture, and its middle frame as one for print."""
    frames = [_image(frame) for frame in clip]
    _save(frames[len(frames) // 2], still)
    _save(frames[0], moving, save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0)


def _save(picture: Image.Image, path: Path, **how: Any) -> None:
    """Write in one step: a picture that is there is whole, however the process that wrote it ended."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        picture.save(fresh, "WEBP", quality=QUALITY, **how)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _folder(dataset: str) -> str:
    """A folder a data set: its name where that is plain, else with a digest, so that no two share one."""
    plain = re.sub(r"[^a-z0-9_-]", "_", dataset)[:40]
    return plain if plain == dataset else f"{plain}-{digest({'dataset': dataset}, 8)}"


def _path(folder: Path, owner: Path, picture: Picture, *, shared: bool) -> Path:
    """Digests of what the picture is of and of its pixels: whatever letters an id has and however often it stands,
    two pictures never share a file, and one that several candidates are shown for is written once."""
    about = {"sample": picture.sample, "kind": "" if shared else picture.kind}
    if not shared:
        about |= {"label": picture.label, "metric": picture.metric or ""}
    if picture.pixels is None:  # drawn over the target, which is there already
        known = sorted((folder / owner).glob(f"{digest(about)}-{'?' * 8}.webp"))
        return owner / (known[0].name if known else f"{digest(about)}.webp")
    pixels = picture.pixels.detach().float().to("cpu").contiguous().numpy().tobytes()
    return owner / f"{digest(about)}-{hashlib.sha256(pixels).hexdigest()[:8]}.webp"
