"""Masks from COCO segmentations: polygons and run-length codes, their bounds, and masks on the canvas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.objects import Mask

Corners = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""
LEAST_NUMBERS = 6
"""Of a polygon: three points."""


def polygons_of(segmentation: Sequence[Any], where: object) -> list[list[float]]:
    """The polygons of three points and more, each as x, y, x, y ...

    Args:
        segmentation: A list of such lists, one such list, or lists of pairs.
        where: File and annotation, for the message.

    Raises:
        DataError: where something else than finite numbers stands in them.
    """
    polygons: Sequence[Any] = segmentation if segmentation and isinstance(segmentation[0], list) else [segmentation]
    found: list[list[float]] = []
    for polygon in polygons:
        if polygon and isinstance(polygon[0], list):
            polygon = [number for pair in polygon for number in pair]
        try:
            usable = math.isfinite(sum(polygon))
        except (TypeError, OverflowError):
            usable = False
        if not usable:
            raise DataError(f"{where} has a polygon that is not a list of three or more x, y pairs")
        if len(polygon) >= LEAST_NUMBERS and len(polygon) % 2 == 0:
            found.append(polygon)
    return found


def polygon_bounds(polygons: Sequence[Sequence[float]]) -> Corners:
    """Left, top, right and bottom of polygons, in pixels."""
    points = polygons[0] if len(polygons) == 1 else [number for polygon in polygons for number in polygon]
    xs, ys = points[0::2], points[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def code_bounds(segmentation: Any, size: tuple[int, int], where: object) -> Corners | None:
    """Left, top, right and bottom of a run-length code's mask, in pixels; None where it covers nothing.

    Raises:
        DataError: if the code does not fill the picture.
    """
    height = size[1]
    runs = runs_of(segmentation["counts"], size, where)
    ends = np.cumsum(runs)
    covered = runs[1::2] > 0
    starts, lasts = (ends - runs)[1::2][covered], ends[1::2][covered] - 1
    if not len(starts):
        return None
    whole = starts // height != lasts // height  # a run over the end of a column reaches bottom and top
    top = 0 if whole.any() else int((starts % height).min())
    bottom = height if whole.any() else int((lasts % height).max()) + 1
    return float(starts[0] // height), float(top), float(lasts[-1] // height + 1), float(bottom)


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

        codes = coco_mask.frPyObjects(polygons_of(segmentation, where), height, width)
        return np.asarray(coco_mask.decode(codes).any(axis=2))
    runs = runs_of(segmentation["counts"], size, where)
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T


def runs_of(counts: Any, size: tuple[int, int], where: object) -> npt.NDArray[np.int64]:
    """Lengths of the runs of a code, in columns from the left, the first one outside of the object.

    Raises:
        DataError: if they do not fill the picture.
    """
    width, height = size
    try:
        runs = uncompressed(counts) if isinstance(counts, str) else np.asarray(counts, dtype=np.float64)
    except (TypeError, ValueError, IndexError):
        runs = np.empty(0)
    whole = runs.ndim == 1 and bool((np.floor(runs) == runs).all() and (runs >= 0).all())
    if not whole or runs.sum() != width * height:
        raise DataError(f"{where}: its run-length code does not fill {width}x{height} pixels")
    return runs.astype(np.int64)


def uncompressed(counts: str) -> npt.NDArray[np.int64]:
    """Run lengths of a compressed code.

    Five bits a character from 48 on, lowest first, the sixth bit says that more follow; numbers are signed, and from
    the fourth on relative to the one two before.

    Source: the format of pycocotools' ``rleToString``.
    """
    bits = np.frombuffer(counts.encode("latin-1"), dtype=np.uint8).astype(np.int64) - 48
    if not len(bits):
        return bits
    last = (bits & 0x20) == 0
    ends = np.flatnonzero(last)
    if (bits < 0).any() or (bits > 63).any() or not last[-1]:
        raise ValueError(counts[:40])
    starts = np.concatenate([[0], ends[:-1] + 1])
    places = np.arange(len(bits)) - np.repeat(starts, ends - starts + 1)
    if places.max(initial=0) > 11:  # over 60 bits: no length of a run
        raise ValueError(counts[:40])
    numbers = np.add.reduceat((bits & 0x1F) << (5 * places), starts)
    numbers -= ((bits[ends] & 0x10) != 0) * (np.int64(1) << (5 * (places[ends] + 1)))
    runs = numbers.copy()
    runs[1::2] = np.cumsum(numbers[1::2])
    runs[2::2] = np.cumsum(numbers[2::2])
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
