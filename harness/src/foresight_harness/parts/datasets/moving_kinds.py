"""``moving_kinds``: drawn clips of a star among other kinds that all move, each its own way; the star's is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from foresight_harness.contracts.protocols import Sample
from foresight_harness.parts.datasets.identity import checked_index
from foresight_harness.parts.datasets.kind_drawing import TARGET, Piece, draw
from foresight_harness.parts.datasets.kinds import REACHES, SHOWN, Kinds, kinds_shown
from foresight_harness.parts.datasets.made_set import MadeSet
from foresight_harness.parts.datasets.motion import DIRECTIONS, Places, bounced, heading_of, headings
from foresight_harness.parts.datasets.objects import Clip, ClipMask, boxes_of_frames, clip_of_frames

SPEEDS = (0.03, 0.05)
"""Least and greatest way from frame to frame, in sides of the picture: at least half a token of a 16x16 grid."""
LEAST_APART = 0.75
"""Least distance of two objects' middles in any frame, in sums of their reaches: corners may cross, and most of every
object stays visible."""
TRIES = 128
"""Arrangements drawn at once."""
ROUNDS = 12
"""Times that so many are drawn before the clip shows one object less."""
NOISE = (0.02, 0.05)
"""Least and greatest standard deviation of the pixel noise, drawn anew in every frame."""


class MovingKinds(MadeSet):
    """Drawn clips; each depends on seed, split, index and number of frames alone. Boxes, masks, motion are the star's.

    Every object moves straight at constant speed, no two in the same of eight directions, so that to know how things
    move says the star's direction once in ``SHOWN`` times, and to know where the star is in one frame says it not at
    all: the middle of its way is drawn from one region whatever the direction. As in ``kinds``, colour, size and turn
    carry nothing, and neither do place, speed and which object lies on top.

    In a clip of nine frames nothing reaches an edge; in longer ones objects bounce off, and where they find no way past
    each other a clip shows fewer of them.
    """

    name = "moving_kinds"
    generator = "moving_kinds/1"
    least_canvas_px = Kinds.least_canvas_px
    moves = True

    def _sample(self, index: int, id: str) -> Sample:
        clip, masks, pieces, motion = self._made(index)
        target = [piece.kind for piece in pieces].index(TARGET)
        found = masks[:, target : target + 1]
        return Sample(
            id=id,
            group=id,
            clip=clip_of_frames(clip),
            boxes=boxes_of_frames(found),
            masks=torch.from_numpy(found),
            labels=(TARGET,),
            motion=motion,
        )

    def pieces(self, index: int) -> tuple[Piece, ...]:
        """All objects of a clip, those included that have no box. Raises: IndexError outside the set."""
        return self._composed(self._random(checked_index(index, len(self), self.name)), index)[0]

    def _composed(self, random: np.random.Generator, index: int) -> tuple[tuple[Piece, ...], dict[str, Any]]:
        return compose(random, index % DIRECTIONS, self._frames)

    def _made(self, index: int) -> tuple[Clip, ClipMask, tuple[Piece, ...], dict[str, Any]]:
        random = self._random(index)
        pieces, motion = self._composed(random, index)
        clip, masks = draw(random, pieces, self._canvas_px, NOISE)
        return clip, masks, pieces, motion


def compose(random: np.random.Generator, direction: int, frames: int) -> tuple[tuple[Piece, ...], dict[str, Any]]:
    """Choose objects, and ways on which no two of them cover each other.

    Args:
        random: Source of every choice.
        direction: The star's, 0 to 7, clockwise from rightwards.
        frames: Frames of the clip.

    Returns:
        The objects in random order, later ones on top, and the star's motion labels.
    """
    for shown in range(SHOWN, 0, -1):
        for _ in range(ROUNDS):
            target = int(random.integers(shown))
            reaches, speeds, centres, turns = _ways(random, shown, target, direction, frames)
            free = np.flatnonzero(_apart(centres, reaches) >= LEAST_APART)
            if free.size == 0:
                continue
            chosen = int(free[0])
            pieces = tuple(
                Piece(
                    kind,
                    float(random.uniform(0, 2 * np.pi)),
                    float(reaches[chosen, number]),
                    centres[chosen, :, number],
                )
                for number, kind in enumerate(kinds_shown(random, shown, target))
            )
            motion = {
                "direction": direction,
                "directions": headings(direction, turns[chosen, :, target]),
                "speed": float(speeds[chosen, target]),
                "frames": tuple(range(frames)),
            }
            return pieces, motion
    raise AssertionError("one object alone is in nobody's way")


def _ways(
    random: np.random.Generator, shown: int, target: int, direction: int, frames: int
) -> tuple[Places, Places, Places, npt.NDArray[np.bool_]]:
    """Arrangements of objects whose directions differ, the target's the given one.

    Returns:
        Reaches and speeds [TRIES, N], middles and whether the way is folded back [TRIES, T, N, 2].
    """
    reaches = np.exp(random.uniform(np.log(REACHES[0]), np.log(REACHES[1]), (TRIES, shown)))
    speeds = random.uniform(*SPEEDS, (TRIES, shown))
    ways = random.permuted(np.tile(np.arange(DIRECTIONS), (TRIES, 1)), axis=1)[:, :shown]
    ways = (ways + direction - ways[:, target, None]) % DIRECTIONS
    steps = speeds[..., None] * np.stack([heading_of(way) for way in range(DIRECTIONS)])[ways]
    # One region for the middle of every way, wide enough for nine frames in any direction.
    room = reaches + speeds * min(4.0, (frames - 1) / 2)
    middle = random.uniform(np.minimum(room, 0.5)[..., None], np.maximum(1 - room, 0.5)[..., None], (*room.shape, 2))
    times = np.arange(frames) - (frames - 1) / 2
    straight = middle[:, None] + times[None, :, None, None] * steps[:, None]
    return reaches, speeds, *bounced(straight, reaches[:, None, :, None])


def _apart(centres: Places, reaches: Places) -> Places:
    """Least distance of any two objects in any frame, in sums of their reaches. [K, T, N, 2], [K, N] -> [K]"""
    first, second = np.triu_indices(reaches.shape[1], 1)
    distance = np.linalg.norm(centres[:, :, first] - centres[:, :, second], axis=-1)
    return np.asarray((distance / (reaches[:, first] + reaches[:, second])[:, None]).min(axis=(1, 2), initial=np.inf))
