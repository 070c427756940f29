"""Colours of the objects of a target picture and of what lies behind them, remembered from one output to the next."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

Plane = NDArray[np.float64]
Mask = NDArray[np.bool_]

REACH = 1 / 32
"""How far around a pixel colours of object and of background are gathered, in sides of the picture."""
MARGIN = 0.5
"""How far around an object's box it may be found, in sides of the box."""
LEAST_PIXELS = 16
"""Objects with fewer pixels are not looked for."""

REMEMBERED_BYTES = 512 * 2**20
"""Of colours that are kept for the next output: 128 pictures of 224 px with two objects each take 0.5 GiB."""
PATIENCE = 3
"""What was not asked for while three times as many others were belongs to pictures that are done with."""


class TargetObject(NamedTuple):
    """One object of a target picture."""

    mask: Mask
    """[H_px, W_px]"""
    colours: Plane
    """Its own, continued over the whole picture. [3, H_px, W_px]"""
    window: Mask
    """Its box and ``MARGIN`` of its sides around. [H_px, W_px]"""
    free: Mask
    """What no other object covers. [H_px, W_px]"""


class TargetColours(NamedTuple):
    """What a decoded picture is cut up by."""

    objects: tuple[TargetObject | None, ...]
    """None for those too small to be looked for."""
    behind: Plane | None
    """Colours of the background, continued over the whole picture; None where objects cover all. [3, H_px, W_px]"""

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        found = [array for one in self.objects if one is not None for array in one]
        return sum(array.nbytes for array in found) + (0 if self.behind is None else self.behind.nbytes)


def colours_of(target: Tensor, masks: Tensor) -> TargetColours:
    """Colours of a target's objects and background, gathered once a picture for all outputs that it is compared with.

    What is remembered is known by the content of picture and masks, so a change of either is noticed.

    Args:
        target: [3, H_px, W_px] float32
        masks: One plane an object. [N, H_px, W_px]
    """
    picture, objects = (
        np.ascontiguousarray(target.cpu().numpy()),
        np.ascontiguousarray(masks.cpu().numpy().astype(bool)),
    )
    found = hashlib.blake2b(f"{picture.shape} {objects.shape}".encode(), digest_size=16)
    found.update(picture.data)
    found.update(objects.data)
    key = found.digest()
    known = _memory.get(key)
    if known is None:
        known = _gathered(picture.astype(np.float64), objects)
        _memory.keep(key, known)
    return known


class Memory:
    """Colours by key, within a budget: those that are in use stay, for a run asks for its pictures in turns."""

    def __init__(self, most: int) -> None:
        """``most``: bytes."""
        self.most = most
        self._held: OrderedDict[bytes, tuple[TargetColours, int]] = OrderedDict()
        self._bytes = self._asked = 0

    def get(self, key: bytes) -> TargetColours | None:
        """What is remembered under a key."""
        self._asked += 1
        if key not in self._held:
            return None
        known = self._held[key][0]
        self._held[key] = known, self._asked
        self._held.move_to_end(key)
        return known

    def keep(self, key: bytes, colours: TargetColours) -> None:
        """Remember, where there is room or what is done with makes some."""
        while self._held and self._bytes + colours.nbytes > self.most:
            oldest, (held, asked) = next(iter(self._held.items()))
            if self._asked - asked <= PATIENCE * len(self._held):
                return
            del self._held[oldest]
            self._bytes -= held.nbytes
        if self._bytes + colours.nbytes <= self.most:
            self._held[key] = colours, self._asked
            self._bytes += colours.nbytes


_memory = Memory(REMEMBERED_BYTES)


def _gathered(picture: Plane, objects: Mask) -> TargetColours:
    anything: Mask = np.logical_or.reduce(objects, axis=0)
    side = max(picture.shape[1:])
    found: list[TargetObject | None] = []
    for mask in objects:
        own = _continued(picture, mask, side) if mask.sum() >= LEAST_PIXELS else None
        found.append(None if own is None else TargetObject(mask, own, _window(mask), ~(anything & ~mask)))
    return TargetColours(tuple(found), _continued(picture, ~anything, side))


def _continued(picture: Plane, region: Mask, side: int) -> Plane | None:
    """Colours of a region, blurred within it, and beyond it those of its nearest parts; None of an empty region."""
    if not region.any():
        return None
    weights = region.astype(np.float64)
    result = np.broadcast_to(picture[:, region].mean(axis=1)[:, None, None], picture.shape).copy()
    for reach in (8 * REACH * side, 3 * REACH * side, REACH * side):
        total = gaussian_filter(weights, reach)
        near = total > 0.02
        for colour in range(3):
            blurred = gaussian_filter(picture[colour] * weights, reach)
            result[colour][near] = blurred[near] / total[near]
    return result


def _window(mask: Mask) -> Mask:
    """The box of a mask and ``MARGIN`` of its sides around."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    window = np.zeros_like(mask)
    slices = []
    for places in (rows, cols):
        extent = places[-1] + 1 - places[0]
        slices.append(slice(max(0, int(places[0] - MARGIN * extent)), int(places[-1] + 1 + MARGIN * extent) + 1))
    window[tuple(slices)] = True
    return window
