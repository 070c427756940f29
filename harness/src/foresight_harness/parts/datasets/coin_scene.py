"""The photograph behind ``coins``, cut into two halves, with every coin outlined."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.objects import Picture
from foresight_harness.parts.datasets.shipped import shipped_picture

HALVES = {"train": slice(0, 150), "test": slice(150, 303)}
"""Rows of the photograph that each split is cut from: the gap between its second and third row of coins."""
COINS_PER_HALF = 12
LEAST_COIN_PX = 200
"""Segments with fewer pixels are scratches and dust; the smallest coin has over 1,000."""


class Points(NamedTuple):
    """Pixels of coins: places and the coin (from 0) that each belongs to. [N] each"""

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    coin: npt.NDArray[np.intp]


class Landmarks(NamedTuple):
    """The pixels that suffice to tell how much of each coin a crop shows."""

    outline: Points
    inner: Points
    """Every fourth pixel of every fourth row."""
    middles: npt.NDArray[np.float64]
    """x and y. [2, coins]"""


@dataclass(frozen=True, eq=False)
class CoinScene:
    """One half of the photograph."""

    picture: Picture
    """[H_px, W_px, 3] uint8"""
    coin_of: npt.NDArray[np.uint8]
    """0 for background, else the coin's number from 1, top to bottom and left to right. [H_px, W_px]"""

    @cached_property
    def landmarks(self) -> Landmarks:
        """Outlines, a sparse filling and the middles of all coins."""
        from scipy import ndimage

        rim = (self.coin_of > 0) & ~ndimage.binary_erosion(self.coin_of > 0)
        sparse = np.zeros_like(rim)
        sparse[::4, ::4] = True
        everything = self._points(self.coin_of > 0)
        counts = np.bincount(everything.coin)
        middles = np.stack([np.bincount(everything.coin, axis) / counts for axis in (everything.x, everything.y)])
        return Landmarks(self._points(rim), self._points(sparse & (self.coin_of > 0)), middles)

    def _points(self, chosen: npt.NDArray[np.bool_]) -> Points:
        rows, cols = np.nonzero(chosen)
        return Points(cols.astype(np.float64), rows.astype(np.float64), self.coin_of[chosen].astype(np.intp) - 1)


@lru_cache(maxsize=2)
def coin_scene(split: Literal["train", "test"]) -> CoinScene:
    """The half of the photograph that a split is cut from, segmented from its own pixels alone.

    Raises:
        DataError: if the photograph is absent, or does not show the coins it should.
    """
    picture = shipped_picture("skimage", "coins.png")[HALVES[split]]
    coin_of = segment_coins(picture[:, :, 0])
    found = int(coin_of.max())
    if found != COINS_PER_HALF:
        raise DataError(f"coins.png of scikit-image: {found} coins segmented in its {split} half, not {COINS_PER_HALF}")
    return CoinScene(picture, coin_of)


def segment_coins(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Number the coins of a photograph.

    The light falls off from top left to bottom right, and Otsu's threshold on the bare photograph takes the brightest
    corner of the cloth for a coin; it is applied to the difference to the local background instead.

    Args:
        grey: [H_px, W_px] uint8

    Returns:
        0 for background, else the number of the coin. [H_px, W_px] uint8
    """
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    coarse = ndimage.percentile_filter(grey[::4, ::4].astype(np.float32), 10, size=15)
    smooth = ndimage.gaussian_filter(coarse, 4)
    cloth = ndimage.zoom(smooth, np.divide(grey.shape, smooth.shape), order=1)
    lit = grey - cloth
    bright = lit > threshold_otsu(lit)  # type: ignore[no-untyped-call]
    disc = np.hypot(*np.mgrid[-2:3, -2:3]) <= 2
    segments, count = ndimage.label(ndimage.binary_fill_holes(ndimage.binary_closing(bright, disc)))
    areas = np.bincount(segments.ravel(), minlength=count + 1)
    coins = [segment for segment in range(1, count + 1) if areas[segment] >= LEAST_COIN_PX]
    numbered = np.zeros(grey.shape, dtype=np.uint8)
    for number, segment in enumerate(coins, start=1):
        numbered[segments == segment] = number
    return numbered
