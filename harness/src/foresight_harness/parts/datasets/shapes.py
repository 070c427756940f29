"""``shapes``: drawn pictures of one to five objects with exact boxes and masks; ``one_shape``: of exactly one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from foresight_harness.contracts.protocols import Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.identity import checked_index
from foresight_harness.parts.datasets.made_set import MadeSet
from foresight_harness.parts.datasets.objects import Mask, Picture, boxes_of, clip_of
from foresight_harness.parts.datasets.shape_drawing import (
    COLOURS,
    KINDS,
    Places,
    background,
    coverage,
    distinct_colour,
    paint,
    sides,
)

COUNTS = (1, 2, 3, 4, 5)
COUNT_ODDS = (0.5, 0.125, 0.125, 0.125, 0.125)
SIZES = (0.12, 0.40)
"""Least and greatest longer side of an object, in sides of the picture; drawn log-uniformly."""
GAP = 0.08
"""Least distance of two boxes along one axis, in sides of the picture: more than one cell of a 16x16 grid, so that
cells that are half covered never join two objects."""
PLACES_TRIED = 40
"""Places tried for one object before all objects shrink."""
SHRINK = 0.85
NOISE = (0.03, 0.07)
"""Least and greatest standard deviation of the pixel noise."""


@dataclass(frozen=True)
class Figure:
    """One object of a scene, in sides of the picture."""

    kind: str
    colour: str
    angle: float
    size: float
    """Longer side of its box."""
    x: float
    """Centre of its box, from the left."""
    y: float
    """Centre of its box, from the top."""


class Shapes(MadeSet):
    """Drawn pictures of one to five objects."""

    name = "shapes"
    generator = "shapes/1"
    least_canvas_px = 32
    objects: int | None = None
    """Objects in every picture; None draws their number."""

    def __init__(self, request: DataRequest) -> None:
        """Raises: DataError without a count, or with a canvas under ``least_canvas_px``."""
        super().__init__(request, **({} if self.objects is None else {"objects": self.objects}))

    def _sample(self, index: int, id: str) -> Sample:
        picture, masks, figures = self._made(index)
        return Sample(
            id=id,
            group=id,
            clip=clip_of(picture),
            boxes=boxes_of(masks),
            masks=torch.from_numpy(masks).unsqueeze(0),
            labels=tuple(figure.kind for figure in figures),
        )

    def figures(self, index: int) -> tuple[Figure, ...]:
        """What stands where in a picture, with colours. Raises: IndexError outside the set."""
        return self._composed(self._random(checked_index(index, len(self), self.name)))

    def _composed(self, random: np.random.Generator) -> tuple[Figure, ...]:
        return compose(random, gap=GAP + 1 / self._canvas_px, objects=self.objects)

    def _made(self, index: int) -> tuple[Picture, Mask, tuple[Figure, ...]]:
        random = self._random(index)
        figures = self._composed(random)
        picture, masks = draw(random, figures, self._canvas_px)
        return picture, masks, figures


class OneShape(Shapes):
    """Drawn pictures of one object: experiment E1.4, and what probes that answer with one box are compared on."""

    name = "one_shape"
    objects = 1


def compose(random: np.random.Generator, gap: float = GAP, objects: int | None = None) -> tuple[Figure, ...]:
    """Choose objects and places so that all boxes lie within the picture and ``gap`` apart.

    Where the chosen sizes find no room, all shrink together (never under the least size) until they do.

    Args:
        random: Source of every choice.
        gap: Least distance of two boxes along one axis, in sides of the picture.
        objects: How many; None draws 1 to 5.
    """
    count = int(random.choice(COUNTS, p=COUNT_ODDS)) if objects is None else objects
    kinds = [str(kind) for kind in random.choice(KINDS, count)]
    colours = [str(colour) for colour in random.choice(list(COLOURS), count)]
    angles = [float(angle) for angle in random.uniform(0, 2 * np.pi, count)]
    sizes = np.exp(random.uniform(np.log(SIZES[0]), np.log(SIZES[1]), count))
    extents = np.array([sides(kind, angle) for kind, angle in zip(kinds, angles, strict=True)])
    while (centres := _places(random, extents * sizes[:, None], gap)) is None:
        sizes = np.maximum(sizes * SHRINK, SIZES[0])
    parts = zip(kinds, colours, angles, sizes.tolist(), centres.tolist(), strict=True)
    return tuple(Figure(kind, colour, angle, size, x, y) for kind, colour, angle, size, (x, y) in parts)


def _places(random: np.random.Generator, extents: Places, gap: float) -> Places | None:
    """Uniform centres for boxes of these widths and heights, or None where one found no room. [N, 2] -> [N, 2]"""
    placed = np.empty((0, 4))
    for width, height in extents:
        half = np.array([width, height]) / 2
        centres = random.uniform(half, 1 - half, (PLACES_TRIED, 2))
        low, high = centres - half, centres + half
        apart = np.maximum(low[:, None] - placed[None, :, 2:], placed[None, :, :2] - high[:, None]).max(axis=2)
        free = np.flatnonzero((apart >= gap).all(axis=1))
        if free.size == 0:
            return None
        placed = np.concatenate([placed, np.concatenate([low[free[0]], high[free[0]]])[None]])
    return (placed[:, :2] + placed[:, 2:]) / 2


def draw(random: np.random.Generator, figures: tuple[Figure, ...], canvas_px: int) -> tuple[Picture, Mask]:
    """Draw a scene.

    Args:
        random: Source of textures, light and noise.
        figures: What stands where; their boxes do not overlap.
        canvas_px: Side of the picture.

    Returns:
        The picture [H_px, W_px, 3] uint8 and one mask an object [N, H_px, W_px] bool; a pixel belongs to an object
        where its centre does.
    """
    canvas = background(random, canvas_px)
    masks = np.zeros((len(figures), canvas_px, canvas_px), dtype=np.bool_)
    centres = (np.arange(canvas_px) + 0.5) / canvas_px
    for figure, mask in zip(figures, masks, strict=True):
        window = tuple(
            slice(max(0, int((middle - figure.size / 2) * canvas_px)), int((middle + figure.size / 2) * canvas_px) + 1)
            for middle in (figure.y, figure.x)
        )
        ys = (centres[window[0]] - figure.y) / figure.size
        xs = (centres[window[1]] - figure.x) / figure.size
        inside = coverage(figure.kind, figure.angle, xs, ys)
        mask[window] = inside
        colour = distinct_colour(random, figure.colour, canvas[window].mean(axis=(0, 1)))
        canvas[window][inside] = paint(random, colour, inside.shape)[inside]
    noise = random.standard_normal(canvas.shape, dtype=np.float32)
    noise *= np.float32(255 * random.uniform(*NOISE))
    canvas *= np.float32(255)
    canvas += noise
    return np.clip(canvas, 0, 255, out=canvas).astype(np.uint8), masks
