"""``digits``: scikit-learn's real handwritten digits, one on each picture."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.protocols import Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.made_set import MadeSet, digest
from foresight_harness.parts.datasets.objects import Mask, Picture, boxes_of, clip_of

SIZES = (0.25, 0.5)
"""Least and greatest side of the square that a digit is enlarged to, in sides of the picture."""
INK = 0.35
"""Least ink of a pixel that counts as the digit, of 1."""
TEST_EVERY = 5
"""Every fifth scan of the wheel is in the test split."""

Scans = npt.NDArray[np.float32]


@lru_cache(maxsize=1)
def scans() -> tuple[Scans, npt.NDArray[np.int64]]:
    """All scans in [0, 1] [1797, 8, 8] and their digits [1797]. Raises: DataError where scikit-learn lacks them."""
    try:
        from sklearn.datasets import load_digits

        held: Any = load_digits()
    except (ImportError, OSError) as error:
        raise DataError(
            f"digits: scikit-learn's load_digits cannot be read ({type(error).__name__}: {error})"
        ) from error
    return np.asarray(held.images, dtype=np.float32) / np.float32(16), np.asarray(held.target, dtype=np.int64)


def scans_of(split: str) -> npt.NDArray[np.int64]:
    """Numbers of the scans of a split; no scan is in both."""
    numbers = np.arange(len(scans()[0]))
    return np.asarray(numbers[(numbers % TEST_EVERY == 0) == (split == "test")])


def enlarged(scan: Scans, side: int) -> Scans:
    """A scan at another size, smoothly. [8, 8] -> [side, side] in [0, 1]"""
    from PIL import Image

    picture = Image.fromarray(scan).resize((side, side), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(picture, dtype=np.float32), 0, 1)


class Digits(MadeSet):
    """White on black, at random size and place, one a picture; samples of one group show the same scan."""

    name = "digits"
    generator = "digits/1"
    least_canvas_px = 16

    def __init__(self, request: DataRequest) -> None:
        """Raises: DataError without a count, or where scikit-learn ships without the scans."""
        self._scans = scans_of(request.split)
        super().__init__(request, scans=digest(scans()[0]))

    def _sample(self, index: int, id: str) -> Sample:
        picture, mask, number = self._made(index)
        return Sample(
            id=id,
            group=f"digits-scan-{number:04d}",
            clip=clip_of(picture),
            boxes=boxes_of(mask[None]),
            masks=torch.from_numpy(mask)[None, None],
            labels=(str(scans()[1][number]),),
        )

    def _made(self, index: int) -> tuple[Picture, Mask, int]:
        random = self._random(index)
        number = int(random.choice(self._scans))
        side = max(8, round(self._canvas_px * float(random.uniform(*SIZES))))
        top, left = (int(place) for place in random.integers(0, self._canvas_px - side + 1, 2))
        ink = np.zeros((self._canvas_px, self._canvas_px), dtype=np.float32)
        ink[top : top + side, left : left + side] = enlarged(scans()[0][number], side)
        picture = np.repeat(np.rint(255 * ink).astype(np.uint8)[:, :, None], 3, axis=2)
        return picture, np.asarray(ink >= INK), number
