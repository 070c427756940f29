"""``moving_shapes``: drawn clips of objects that cross a textured background, with known direction, speed and order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from foresight_harness.contracts.protocols import Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.identity import checked_index, stream
from foresight_harness.parts.datasets.made_set import MadeSet
from foresight_harness.parts.datasets.motion import DIRECTIONS, Mover, Places, bounced, heading_of, headings
from foresight_harness.parts.datasets.objects import Clip, ClipMask, boxes_of_frames, clip_of_frames, no_boxes
from foresight_harness.parts.datasets.planted_answers import ANSWERS, PLANTED, answered
from foresight_harness.parts.datasets.shape_drawing import (
    COLOURS,
    KINDS,
    background,
    coverage,
    distinct_colour,
    paint,
    sides,
)

SIZES = (0.16, 0.32)
"""Least and greatest longer side of an object, in sides of the picture; drawn log-uniformly."""
SPEEDS = (0.03, 0.06)
"""Least and greatest way from frame to frame, in sides of the picture: at least half a token of a 16x16 grid."""
STILL_ODDS = (0.5, 0.3, 0.2)
"""Odds of 0, 1 and 2 objects that stand still beside the one that moves."""
PLACES_TRIED = 40
SHARED = 0.3
"""Most that boxes of two objects share, of the smaller one: so much of each stays visible in every frame."""
NOISE = (0.02, 0.05)
"""Least and greatest standard deviation of the pixel noise, drawn anew in every frame."""
LONG_FRAMES = 17
GAINS = (0.85, 1.15)
"""Least and greatest gain of a clip that shows a known scene again: another light on it."""


class MovingShapes(MadeSet):
    """Drawn clips; each depends on seed, split, index and number of frames alone.

    One object moves straight at constant speed in one of eight directions, in front of none to two that stand still.
    In a clip of nine frames it never reaches an edge; in longer ones it bounces off. Whatever the direction, the middle
    of the way is drawn from one region, so that the middle frame says nothing about it, and first and last frame do
    only through their places: what a readout of single frames finds there is a leak, not motion.
    """

    name = "moving_shapes"
    generator = "moving_shapes/1"
    least_canvas_px = 32
    moves = True
    plants = PLANTED

    def planted(self, index: int, wrong: str | None) -> Sample:
        """See ``PlantsAnswers``; kinds of wrong answers are those of ``planted_answers``. Boxes are left out."""
        id = f"{self._prefix}-{self.split}-{checked_index(index, len(self), self.name):06d}"
        random = self._random(index)
        movers, motion = compose(random, index % DIRECTIONS, self._frames)
        grain = stream(ANSWERS, self.generator, self._seed, self.split, index, wrong)
        movers = answered(grain, movers, motion["direction"], wrong)
        clip, masks = draw(random, movers, self._canvas_px, grain)
        # An answer may hide a still object, which then has no box.
        return Sample(id, id, clip_of_frames(clip), no_boxes(self._frames), torch.from_numpy(masks))

    def _sample(self, index: int, id: str) -> Sample:
        clip, masks, movers, motion = self._made(index)
        return Sample(
            id=id,
            group=id,
            clip=clip_of_frames(clip),
            boxes=boxes_of_frames(masks),
            masks=torch.from_numpy(masks),
            labels=tuple(mover.kind for mover in movers),
            motion=motion,
        )

    def _made(self, index: int) -> tuple[Clip, ClipMask, tuple[Mover, ...], dict[str, Any]]:
        random = self._random(index)
        movers, motion = compose(random, index % DIRECTIONS, self._frames)
        clip, masks = draw(random, movers, self._canvas_px)
        return clip, masks, movers, motion


class LongMovingShapes(MovingShapes):
    """The same in 17 frames, whatever is asked: nine are seen and eight come, in which objects may bounce."""

    name = "moving_shapes_17"

    def __init__(self, request: DataRequest) -> None:
        """See ``MadeSet``."""
        super().__init__(replace(request, frames=LONG_FRAMES))


def compose(random: np.random.Generator, direction: int, frames: int) -> tuple[tuple[Mover, ...], dict[str, Any]]:
    """Choose objects and the way of the one that moves.

    Args:
        random: Source of every choice.
        direction: 0 to 7, clockwise from rightwards.
        frames: Frames of the clip.

    Returns:
        The objects, the moving one last (on top), and its motion labels. Where no place leaves a still object visible,
        the clip has one less.
    """
    still = int(random.choice(len(STILL_ODDS), p=STILL_ODDS))
    kind, colour, angle, size, half = _look(random)
    speed = float(random.uniform(*SPEEDS))
    # One region for the middle of the way, wide enough for the longest way of nine frames in any direction.
    room = half + speed * min(4.0, (frames - 1) / 2)
    middle = random.uniform(np.minimum(room, 0.5), np.maximum(1 - room, 0.5))
    times = np.arange(frames) - (frames - 1) / 2
    centres, turns = bounced(middle + times[:, None] * speed * heading_of(direction), half)
    movers = [Mover(kind, colour, angle, size, centres)]
    taken = [(centres, half)]
    for _ in range(still):
        kind, colour, angle, size, half = _look(random)
        tried = random.uniform(half, 1 - half, (PLACES_TRIED, 2))
        free = [place for place in tried if all(_apart(place, half, *other) for other in taken)]
        if free:
            fixed = np.tile(free[0], (frames, 1))
            taken.append((fixed, half))
            movers.insert(0, Mover(kind, colour, angle, size, fixed))
    motion = {
        "direction": direction,
        "directions": headings(direction, turns),
        "speed": speed,
        "frames": tuple(range(frames)),
    }
    return tuple(movers), motion


def _look(random: np.random.Generator) -> tuple[str, str, float, float, Places]:
    """Kind, colour, angle, size, and half of width and height [2] of an object."""
    kind, colour = str(random.choice(KINDS)), str(random.choice(list(COLOURS)))
    angle, size = float(random.uniform(0, 2 * np.pi)), float(np.exp(random.uniform(*np.log(SIZES))))
    return kind, colour, angle, size, np.array(sides(kind, angle)) * size / 2


def _apart(place: Places, half: Places, centres: Places, other: Places) -> bool:
    """Whether boxes share at most ``SHARED`` of the smaller one in every frame. [2], [2], [T, 2], [2]"""
    overlap = np.minimum(place + half, centres + other) - np.maximum(place - half, centres - other)
    area = np.clip(overlap, 0, None).prod(axis=1)
    return bool((area <= SHARED * min((2 * half).prod(), (2 * other).prod())).all())


def draw(
    random: np.random.Generator,
    movers: tuple[Mover, ...],
    canvas_px: int,
    grain: np.random.Generator | None = None,
) -> tuple[Clip, ClipMask]:
    """Draw the objects in order, later ones on top.

    Args:
        random: Source of textures, light and noise; the texture is one for the clip, the noise is of each frame.
        movers: What is where in each frame.
        canvas_px: Side of the picture.
        grain: Source of the noise where it is to be another one; then the picture's gain is drawn from it, too.

    Returns:
        The clip [T, H_px, W_px, 3] uint8 and the visible part of each object [T, N, H_px, W_px] bool.
    """
    behind = background(random, canvas_px)
    frames = len(movers[0].centres)
    places = (np.arange(canvas_px) + 0.5) / canvas_px
    surfaces = []
    for mover in movers:
        colour = distinct_colour(random, mover.colour, behind.mean(axis=(0, 1)))
        surfaces.append(paint(random, colour, (canvas_px, canvas_px)))
    clip = np.tile(behind, (frames, 1, 1, 1))
    masks = np.zeros((frames, len(movers), canvas_px, canvas_px), dtype=np.bool_)
    for frame in range(frames):
        for number, (mover, surface) in enumerate(zip(movers, surfaces, strict=True)):
            x, y = mover.centres[frame]
            inside = coverage(mover.kind, mover.angle, (places - x) / mover.size, (places - y) / mover.size)
            masks[frame, :, inside] = False
            masks[frame, number] = inside
            clip[frame][inside] = surface[inside]
    if grain is not None:
        clip *= np.float32(grain.uniform(*GAINS))
    source = random if grain is None else grain
    noise = source.standard_normal(clip.shape, dtype=np.float32) * np.float32(source.uniform(*NOISE))
    return np.clip(255 * (clip + noise), 0, 255).astype(np.uint8), masks
