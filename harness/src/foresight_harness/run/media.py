"""Pictures for the report, as small WebP files with one index line each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from foresight_harness.suites.measurement import Picture

QUALITY = 80


def write_pictures(
    folder: Path, cell: str, candidate: str, dataset: str, pictures: Sequence[Picture]
) -> list[dict[str, Any]]:
    """Write pictures under ``folder/media`` and return their index lines.

    A target belongs to the data set, not to a candidate, and is written once a run.
    """
    lines = []
    for picture in pictures:
        shared = picture.kind in ("target", "boxes")
        owner = _safe(dataset) if shared else f"{_safe(dataset)}/{cell}"
        name = "target" if shared else picture.kind
        path = Path("media") / owner / f"{_safe(picture.sample)}_{name}.webp"
        if picture.pixels is not None and not (folder / path).exists():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            _image(picture.pixels).save(folder / path, "WEBP", quality=QUALITY)
        lines.append(
            {
                "kind": picture.kind,
                "cell": None if picture.kind == "target" else cell,
                "candidate": None if picture.kind == "target" else candidate,
                "dataset": dataset,
                "sample": picture.sample,
                "path": path.as_posix(),
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
    """[3, H, W] colour or [H, W] magnitude, in [0, 1]."""
    values = (pixels.clamp(0, 1) * 255).round().to("cpu").numpy().astype(np.uint8)
    return Image.fromarray(values if values.ndim == 2 else values.transpose(1, 2, 0))


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:80]
