"""Masks from COCO segmentations: polygons and run-length codes, brought to the canvas."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.objects import Mask


def mask_of(segmentation: Any, size: tuple[int, int], where: str) -> Mask:
    """Fill a segmentation at the picture's own size.

    Args:
        segmentation: A list of polygons, or a run-length code with plain or compressed counts.
        size: Width and height of the picture, in pixels.
        where: File and annotation, for the message.

    Returns:
        [H_px, W_px] bool

    Raises:
        DataError: if a run-length code does not fill the picture.
    """
    width, height = size
    if isinstance(segmentation, list):
        from faster_coco_eval.core import mask as coco_mask

        codes = coco_mask.frPyObjects(segmentation, height, width)
        return np.asarray(coco_mask.decode(codes).any(axis=2))
    counts = segmentation["counts"]
    runs = uncompressed(counts) if isinstance(counts, str) else counts
    if not all(isinstance(run, int) and run >= 0 for run in runs) or sum(runs) != width * height:
        raise DataError(f"{where}: its run-length code does not fill {width}x{height} pixels")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T


def uncompressed(counts: str) -> list[int]:
    """Run lengths of a compressed code.

    Five bits a character from 48 on, lowest first, the sixth bit says that more follow; numbers are signed, and from
    the fourth on relative to the one two before.

    Source: the format of pycocotools' ``rleToString``.
    """
    runs: list[int] = []
    number, shift = 0, 0
    for character in counts:
        bits = ord(character) - 48
        number |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            number -= 1 << shift
        runs.append(number + runs[-2] if len(runs) > 2 else number)
        number, shift = 0, 0
    return runs


def mask_on_canvas(mask: Mask, canvas_px: int) -> Mask:
    """Bring a mask to the square canvas: pixels that are covered by half or more.

    An object too thin for that keeps the pixels that it covers most, so that it does not vanish from the picture.

    Args:
        mask: [H_px, W_px] bool
        canvas_px: Side of the canvas.

    Returns:
        [canvas_px, canvas_px] bool
    """
    from PIL import Image

    share: npt.NDArray[np.float32] = np.asarray(
        Image.fromarray(mask.astype(np.float32)).resize((canvas_px, canvas_px), Image.Resampling.BOX)
    )
    most = float(share.max())
    if most == 0:
        return np.zeros((canvas_px, canvas_px), dtype=np.bool_)
    return np.asarray(share >= min(0.5, most))
