"""Pictures that are the same under two names: byte by byte, or nearly, as after another encoding."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

SIDE = 16
"""Rows and columns that a picture is brought to."""
ALIKE = 0.998
"""Correlation of two small pictures above which they show the same: re-encoding leaves 0.9999, so does a brightness."""
CANDIDATES = 40
"""Bits of 256 in which two pictures may differ to be compared at all."""
LEAST_SPREAD = 0.02
"""Standard deviation of a channel below which a picture shows nothing that could be recognised."""
MOVES_ALIKE = 0.9
"""Correlation of what changes from first to last frame, above which two clips of one place show the same."""
STILL = 0.05
"""Length of that change below which nothing moves, beside noise."""
MOST_COMPARED = 20_000
"""Pictures of one split beyond which only equal ones are looked for."""


@dataclass(frozen=True)
class Prints:
    """What pictures are recognised by."""

    ids: tuple[str, ...]
    exact: tuple[str, ...]
    """Digest of each clip's bytes; empty for one that shows nothing."""
    small: NDArray[np.float32]
    """First, middle and last frames, of pictures the only one, brought to SIDE x SIDE. [n, F * 3 * SIDE * SIDE]"""

    @cached_property
    def bits(self) -> NDArray[np.uint8]:
        """Which places are brighter than the median of their picture. [n, SIDE * SIDE / 8]"""
        grey = self.small.reshape(len(self.small), -1, SIDE * SIDE).mean(1)
        return np.packbits(grey > np.median(grey, axis=1, keepdims=True), axis=1)

    @cached_property
    def unit(self) -> NDArray[np.float32]:
        """Less the mean of each channel, of length 1: neither cast nor contrast counts. [n, F * 3 * SIDE * SIDE]"""
        channels = self.small.reshape(len(self.small), -1, SIDE * SIDE)
        centred = (channels - channels.mean(-1, keepdims=True)).reshape(self.small.shape)
        unit: NDArray[np.float32] = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
        return unit

    def moves_alike(self, place: int, other: Prints, its: int) -> bool:
        """Whether two clips change alike from first to last frame; so do pictures, and clips in which nothing moves."""
        mine, theirs = (one.small[at].reshape(-1, 3 * SIDE * SIDE) for one, at in ((self, place), (other, its)))
        if len(mine) == 1:
            return True
        changes = [frames[-1] - frames[0] for frames in (mine, theirs)]
        sizes = [float(np.linalg.norm(change)) for change in changes]
        if max(sizes) < STILL:
            return True
        return min(sizes) >= STILL and float(changes[0] @ changes[1]) > MOVES_ALIKE * sizes[0] * sizes[1]


def exact_print(clip: Tensor) -> str:
    """Digest of a clip [T, 3, H_px, W_px] uint8; empty where it shows nothing."""
    pixels = clip.numpy()
    shown = float(pixels.std(axis=(-2, -1)).max()) > LEAST_SPREAD * 255
    return hashlib.sha256(pixels.tobytes()).hexdigest() if shown else ""


def small_prints(block: Tensor) -> Tensor:
    """Frames of clips [b, T, 3, H_px, W_px] uint8 that ``Prints.small`` holds. [b, F * 3 * SIDE * SIDE] float32"""
    frames = block.shape[1]
    shown = block[:, [0, frames // 2, frames - 1] if frames > 1 else [0]].float() / 255
    return F.adaptive_avg_pool2d(shown.flatten(0, 1), (SIDE, SIDE)).reshape(len(block), -1)


def equal_pairs(one: Prints, two: Prints) -> list[tuple[int, int]]:
    """Places of clips of equal bytes: the first of ``one`` for each of ``two``."""
    known: dict[str, int] = {}
    for place, digest in enumerate(one.exact):
        if digest:
            known.setdefault(digest, place)
    return [(known[digest], place) for place, digest in enumerate(two.exact) if digest in known]


def near_pairs(one: Prints, two: Prints) -> list[tuple[int, int]]:
    """Places of pictures that show the same, equal ones left out: a partner of ``one`` for each of ``two``."""
    if max(len(one.ids), len(two.ids)) > MOST_COMPARED or not len(one.ids):
        return []
    found = []
    for place, digest in enumerate(two.exact):
        if not digest:
            continue
        apart = np.bitwise_count(one.bits ^ two.bits[place]).sum(1)
        for other in np.flatnonzero(apart <= CANDIDATES).tolist():
            if not one.exact[other] or one.exact[other] == digest:
                continue
            if float(one.unit[other] @ two.unit[place]) > ALIKE and one.moves_alike(other, two, place):
                found.append((other, place))
                break
    return found


def joined_groups(groups: Sequence[str], pairs: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """Groups of one split, those of paired samples made one: they are resampled together."""
    named = list(groups)
    for one, two in pairs:
        keep, lose = named[one], named[two]
        if keep != lose:
            named = [keep if group == lose else group for group in named]
    return tuple(named)
