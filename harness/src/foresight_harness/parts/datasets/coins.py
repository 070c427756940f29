"""``coins``: turned crops of one photograph of coins, each with one to five of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.protocols import Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.coin_scene import CoinScene, coin_scene
from foresight_harness.parts.datasets.made_set import MadeSet, digest
from foresight_harness.parts.datasets.objects import Mask, Picture, boxes_of, clip_of

SIDES_PX = (50, 150)
"""Least and greatest side of a crop, in pixels of the photograph; a turned square may have to be smaller."""
LEAST_VISIBLE = 0.25
"""Share of a coin that must lie inside the crop, if any of it does."""
MARGIN_PX = 3
"""Coins outside the crop keep that distance, so that resampling does not bring in their rim."""
COINS = (1, 2, 3, 4, 5)
"""Coins in a crop, equally often."""
WINDOWS_TRIED = 6400
BATCH = 64
"""Windows drawn at a time."""

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Window:
    """A turned, perhaps mirrored square inside the photograph, in pixels and radians."""

    x: float
    """Centre, from the left."""
    y: float
    """Centre, from the top."""
    side: float
    angle: float
    mirrored: bool

    def inside(self, xs: Floats, ys: Floats, margin: float = 0.0) -> Mask:
        """Which places of the photograph the window shows, widened by a margin in pixels. [N], [N] -> [N] bool"""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        along = cos * (xs - self.x) + sin * (ys - self.y)
        down = -sin * (xs - self.x) + cos * (ys - self.y)
        return np.asarray(np.maximum(np.abs(along), np.abs(down)) <= self.side / 2 + margin)

    def places(self, size: int) -> tuple[Floats, Floats]:
        """Where in the photograph the centres of size x size pixels lie. Two of [size, size]: rows, columns"""
        steps = (np.arange(size) + 0.5) / size - 0.5
        along = (steps[::-1] if self.mirrored else steps)[None, :] * self.side
        down = steps[:, None] * self.side
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return self.y + sin * along + cos * down, self.x + cos * along - sin * down


class Coins(MadeSet):
    """Crops of the photograph's upper half (train) or lower half (test).

    A crop that shows a coin whole or in part labels it by its visible part; crops that show less than a quarter of
    some coin are drawn again, so that no foreground stays unlabelled and no sliver counts as an object. Crops without
    cut coins would be too few: the coins lie about one radius apart. Every crop shows at least one whole coin.

    Samples of one group show the same coin in their middle.
    """

    name = "coins"
    generator = "coins/1"
    least_canvas_px = 16

    def __init__(self, request: DataRequest) -> None:
        """Raises: DataError without a count, or where scikit-image's photograph is absent or another one."""
        self._scene = coin_scene(request.split)
        super().__init__(request, photograph=digest(self._scene.picture))

    def _sample(self, index: int, id: str) -> Sample:
        picture, masks, middle = self._made(index)
        return Sample(
            id=id,
            group=f"coins-{self.split}-coin-{middle:02d}",
            clip=clip_of(picture),
            boxes=boxes_of(masks),
            masks=torch.from_numpy(masks).unsqueeze(0),
            labels=("coin",) * len(masks),
        )

    def _made(self, index: int) -> tuple[Picture, Mask, int]:
        window = choose_window(self._random(index), self._scene)
        picture, coin_of = cut(self._scene, window, self._canvas_px)
        numbers = np.unique(coin_of[coin_of > 0])
        return picture, np.asarray(coin_of[None] == numbers[:, None, None]), middle_coin(self._scene, window)


def choose_window(random: np.random.Generator, scene: CoinScene) -> Window:
    """Draw windows inside the scene, each about some coin, until one shows as many coins as drawn beforehand.

    One of them is whole, and none is visible by less than ``LEAST_VISIBLE``.

    Raises:
        DataError: if none of ``WINDOWS_TRIED`` does.
    """
    outline, inner, centres = scene.landmarks
    coins = centres.shape[1]
    rims, areas = (np.bincount(points.coin, minlength=coins) for points in (outline, inner))
    wanted = int(random.choice(COINS))
    for _ in range(WINDOWS_TRIED // BATCH):
        for window in _promising(random, centres, scene.coin_of.shape, wanted):
            touched = np.bincount(outline.coin[window.inside(outline.x, outline.y, MARGIN_PX)], minlength=coins) > 0
            if touched.sum() != wanted:
                continue
            rim = np.bincount(outline.coin[window.inside(outline.x, outline.y)], minlength=coins)
            area = np.bincount(inner.coin[window.inside(inner.x, inner.y)], minlength=coins) / areas
            if (rim == rims).any() and area[touched].min() >= LEAST_VISIBLE:
                return window
    raise DataError(f"coins: none of {WINDOWS_TRIED} crops shows {wanted} coins; is it another photograph?")


def _promising(random: np.random.Generator, centres: Floats, size: tuple[int, ...], wanted: int) -> Iterator[Window]:
    """Of a batch of windows those that show the middles of one to ``wanted`` coins, a cheap first test.

    A coin shown whole has its middle inside, and no more middles can be inside than coins are shown.

    Args:
        random: Source of the windows.
        centres: Middles of the coins, x and y. [2, coins]
        size: Height and width of the scene, in pixels.
        wanted: Coins to be shown.
    """
    height, width = size
    coin = random.integers(centres.shape[1], size=BATCH)
    angle = random.uniform(0, 2 * np.pi, BATCH)
    reach = (np.abs(np.cos(angle)) + np.abs(np.sin(angle))) / 2
    side = random.uniform(SIDES_PX[0], np.minimum(SIDES_PX[1], (height - 2) / (2 * reach)))
    shift = random.uniform(-0.5, 0.5, (2, BATCH)) * side
    room = side * reach
    x = np.clip(centres[0, coin] + shift[0], room, width - 1 - room)
    y = np.clip(centres[1, coin] + shift[1], room, height - 1 - room)
    mirrored = random.random(BATCH) < 0.5
    dx, dy = centres[0] - x[:, None], centres[1] - y[:, None]
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    middles = np.maximum(np.abs(cos * dx + sin * dy), np.abs(cos * dy - sin * dx)) <= side[:, None] / 2
    for index in np.flatnonzero((middles.any(axis=1)) & (middles.sum(axis=1) <= wanted)):
        yield Window(float(x[index]), float(y[index]), float(side[index]), float(angle[index]), bool(mirrored[index]))


def cut(scene: CoinScene, window: Window, canvas_px: int) -> tuple[Picture, npt.NDArray[np.uint8]]:
    """Resample a window to the canvas.

    Returns:
        The picture [H_px, W_px, 3] uint8, averaged from a finer one where the canvas is coarser than the photograph,
        and the coin's number at each pixel centre [H_px, W_px] uint8.
    """
    from scipy import ndimage

    finer = int(np.ceil(window.side / canvas_px))
    places = window.places(canvas_px * finer)
    grey = ndimage.map_coordinates(scene.picture[:, :, 0].astype(np.float32), places, order=1, mode="nearest")
    grey = grey.reshape(canvas_px, finer, canvas_px, finer).mean(axis=(1, 3))
    coin_of = ndimage.map_coordinates(scene.coin_of, window.places(canvas_px), order=0, mode="nearest")
    return np.repeat(np.rint(grey).astype(np.uint8)[:, :, None], 3, axis=2), coin_of


def middle_coin(scene: CoinScene, window: Window) -> int:
    """Number of the coin whose nearest pixel lies closest to the window's middle."""
    ys, xs = np.nonzero(scene.coin_of)
    nearest = int(np.argmin((ys - window.y) ** 2 + (xs - window.x) ** 2))
    return int(scene.coin_of[ys[nearest], xs[nearest]])
