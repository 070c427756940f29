"""``photos``: square crops of the real photographs that scikit-image and scikit-learn carry in their wheels."""

from __future__ import annotations

import hashlib

import numpy as np

from foresight_harness.contracts.protocols import Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.identity import checked_index, fingerprint, positive, required_count, stream
from foresight_harness.parts.datasets.objects import Picture, clip_of, no_boxes
from foresight_harness.parts.datasets.shipped import shipped_picture

GENERATOR = "photos/1"
"""Raised whenever the same seed gives other pictures."""
PHOTOGRAPHS = {
    "train": (
        ("skimage", "astronaut.png"),
        ("skimage", "coffee.png"),
        ("skimage", "rocket.jpg"),
        ("skimage", "camera.png"),
        ("skimage", "gravel.png"),
        ("sklearn", "flower.jpg"),
    ),
    "test": (
        ("skimage", "chelsea.png"),
        ("skimage", "motorcycle_left.png"),
        ("skimage", "hubble_deep_field.jpg"),
        ("skimage", "moon.png"),
        ("skimage", "brick.png"),
        ("sklearn", "china.jpg"),
    ),
}
"""No photograph is in both splits; each has people's things, nature, a texture and a grey one."""
LEAST_SHARE = 0.4
"""Least side of a crop, in shorter sides of its photograph."""
LEAST_CANVAS_PX = 16


class Photos:
    """Crops at random places and sizes, half of them mirrored; the photographs take turns. There are no boxes.

    Samples of one group are crops of one photograph.
    """

    name = "photos"

    def __init__(self, request: DataRequest) -> None:
        """Raises: DataError without a count, or if an installed wheel ships without one of the photographs."""
        self.split: str = request.split
        self._files = PHOTOGRAPHS[request.split]
        self._pictures = [shipped_picture(*file) for file in self._files]
        self._seed = request.seed
        self._count = required_count(self.name, request)
        self._canvas_px = positive(self.name, "canvas_px", request.canvas_px, LEAST_CANVAS_PX)
        self.fingerprint = fingerprint(
            generator=GENERATOR,
            split=self.split,
            count=self._count,
            seed=self._seed,
            canvas_px=self._canvas_px,
            photographs=[hashlib.sha256(picture.tobytes()).hexdigest() for picture in self._pictures],
            first=hashlib.sha256(self._crop(0).tobytes()).hexdigest(),
        )

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        picture = self._crop(checked_index(index, len(self), self.name))
        _, file = self._files[index % len(self._files)]
        return Sample(
            id=f"photos-{self._seed}-{self.split}-{index:06d}",
            group=file.partition(".")[0],
            clip=clip_of(picture),
            boxes=no_boxes(),
        )

    def _crop(self, index: int) -> Picture:
        from PIL import Image

        random = stream(GENERATOR, self._seed, self.split, index)
        photograph = self._pictures[index % len(self._pictures)]
        height, width, _ = photograph.shape
        side = round(min(height, width) * float(random.uniform(LEAST_SHARE, 1)))
        top, left = (int(random.integers(0, limit - side + 1)) for limit in (height, width))
        crop = photograph[top : top + side, left : left + side]
        if random.random() < 0.5:
            crop = crop[:, ::-1]
        size = (self._canvas_px, self._canvas_px)
        return np.asarray(Image.fromarray(np.ascontiguousarray(crop)).resize(size, Image.Resampling.BICUBIC))
