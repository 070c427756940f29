"""``kinds``: one named kind among others; *what* has to be told before *where* can be said."""

from __future__ import annotations

import numpy as np
import torch

from foresight_harness.contracts.protocols import Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.identity import checked_index, stream
from foresight_harness.parts.datasets.kind_drawing import KINDS, TARGET, Piece, draw
from foresight_harness.parts.datasets.made_set import MadeSet
from foresight_harness.parts.datasets.objects import ClipMask, Picture, boxes_of, clip_of
from foresight_harness.parts.datasets.shape_drawing import Places

SHOWN = 4
"""Kinds in a picture of ``kinds``."""
REACHES = (16 / 224, 30 / 224)
"""Least and greatest radius of the circle around an object, in sides of the picture; drawn log-uniformly."""
GAP = 0.02
"""Least distance of the circles around two objects, in sides of the picture."""
NOISE = (0.03, 0.07)
"""Least and greatest standard deviation of the pixel noise."""
PLACES_TRIED = 40
"""Places tried for one object before all objects shrink."""
SHRINK = 0.85


class Kinds(MadeSet):
    """Drawn pictures of a star among other kinds; boxes and masks are the star's.

    Every kind stands in a picture once at most. Places, sizes, turns, colours and light are drawn before it is drawn
    which object is of which kind, and all kinds of one size have one area, so that nothing but the outline tells the
    star from the rest: to find *something* is to be right once in ``shown`` times.
    """

    generator = "kinds/1"
    least_canvas_px = 32
    """Below 96 px kinds are hard to tell apart."""

    def __init__(
        self, request: DataRequest, *, name: str = "kinds", shown: int = SHOWN, everything: bool = False
    ) -> None:
        """
        Args:
            request: What is asked of the set.
            name: What the set is called.
            shown: Objects of a picture, the star included: 1 to 5.
            everything: Whether all objects have boxes, masks and labels, rather than the star alone.

        Raises:
            DataError: without a count, or with a canvas under ``least_canvas_px``.
        """
        self.name = name
        self._shown = shown
        self._everything = everything
        super().__init__(request, shown=shown, found="all" if everything else TARGET)

    def _sample(self, index: int, id: str) -> Sample:
        picture, masks, pieces = self._made(index)
        chosen = [number for number, piece in enumerate(pieces) if self._everything or piece.kind == TARGET]
        return Sample(
            id=id,
            group=id,
            clip=clip_of(picture),
            boxes=boxes_of(masks[0, chosen]),
            masks=torch.from_numpy(masks[:, chosen]),
            labels=tuple(pieces[number].kind for number in chosen),
        )

    def pieces(self, index: int) -> tuple[Piece, ...]:
        """All objects of a picture, those included that have no box. Raises: IndexError outside the set."""
        return compose(self._random(checked_index(index, len(self), self.name)), self._shown)

    def _random(self, index: int) -> np.random.Generator:
        return stream(self.generator, self._shown, self._seed, self.split, index)

    def _made(self, index: int) -> tuple[Picture, ClipMask, tuple[Piece, ...]]:
        random = self._random(index)
        pieces = compose(random, self._shown)
        frames, masks = draw(random, pieces, self._canvas_px, NOISE)
        return frames[0], masks, pieces


def kinds_shown(random: np.random.Generator, shown: int, place: int | None = None) -> list[str]:
    """The star and ``shown`` - 1 other kinds, in random order, or with the star at ``place``."""
    others = random.permutation([kind for kind in KINDS if kind != TARGET])[: shown - 1]
    names = [str(kind) for kind in others]
    names.insert(int(random.integers(shown)) if place is None else place, TARGET)
    return names


def compose(random: np.random.Generator, shown: int = SHOWN) -> tuple[Piece, ...]:
    """Choose places, sizes and turns, and then which object is of which kind.

    Where the chosen sizes find no room, all shrink together (never under the least size) until they do.

    Args:
        random: Source of every choice.
        shown: Objects of the picture, the star included.
    """
    angles = random.uniform(0, 2 * np.pi, shown)
    reaches = np.exp(random.uniform(np.log(REACHES[0]), np.log(REACHES[1]), shown))
    while (centres := _places(random, reaches)) is None:
        reaches = np.maximum(reaches * SHRINK, REACHES[0])
    return tuple(
        Piece(kind, float(angle), float(reach), centre[None])
        for kind, angle, reach, centre in zip(kinds_shown(random, shown), angles, reaches, centres, strict=True)
    )


def _places(random: np.random.Generator, reaches: Places) -> Places | None:
    """Uniform centres of circles that stay apart by ``GAP``, or None where one found no room. [N] -> [N, 2]"""
    placed = np.empty((0, 2))
    for number, reach in enumerate(reaches):
        tried = random.uniform(reach, 1 - reach, (PLACES_TRIED, 2))
        apart = np.linalg.norm(tried[:, None] - placed[None], axis=2) - reach - reaches[:number]
        free = np.flatnonzero((apart >= GAP).all(axis=1))
        if free.size == 0:
            return None
        placed = np.concatenate([placed, tried[free[:1]]])
    return placed
