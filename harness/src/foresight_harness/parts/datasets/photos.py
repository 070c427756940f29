"""``photos``: square crops of the real photographs that scikit-image and scikit-learn carry in their wheels."""

from __future__ import annotations

import numpy as np

from foresight_harness.contracts.protocols import Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.made_set import MadeSet, digest
from foresight_harness.parts.datasets.objects import Picture, clip_of, no_boxes
from foresight_harness.parts.datasets.shipped import shipped_picture

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


class Photos(MadeSet):
    """Crops at random places and sizes, half of them mirrored; the photographs take turns. There are no boxes.

    Samples of one group are crops of one photograph.
    """

    name = "photos"
    generator = "photos/1"
    least_canvas_px = 16

    def __init__(self, request: DataRequest) -> None:
        """Raises: DataError without a count, or if an installed wheel ships without one of the photographs."""
        self._files = PHOTOGRAPHS[request.split]
        self._pictures = [shipped_picture(*file) for file in self._files]
        super().__init__(request, photographs=[digest(picture) for picture in self._pictures])

    def _sample(self, index: int, id: str) -> Sample:
        (picture,) = self._made(index)
        _, file = self._files[index % len(self._files)]
        return Sample(
            id=id,
            group=file.partition(".")[0],
            clip=clip_of(picture),
            boxes=no_boxes(),
        )

    def _made(self, index: int) -> tuple[Picture]:
        from PIL import Image

        random = self._random(index)
        photograph = self._pictures[index % len(self._pictures)]
        height, width, _ = photograph.shape
        side = round(min(height, width) * float(random.uniform(LEAST_SHARE, 1)))
        top, left = (int(random.integers(0, limit - side + 1)) for limit in (height, width))
        crop = photograph[top : top + side, left : left + side]
        if random.random() < 0.5:
            crop = crop[:, ::-1]
        size = (self._canvas_px, self._canvas_px)
        return (np.asarray(Image.fromarray(np.ascontiguousarray(crop)).resize(size, Image.Resampling.BICUBIC)),)
