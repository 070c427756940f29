"""``bouncing_balls``: drawn clips of balls that bounce off each other and off the edges; in each, two of them meet."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from foresight_harness.contracts.protocols import Sample
from foresight_harness.parts.datasets.ball_physics import Balls, advance
from foresight_harness.parts.datasets.made_set import MadeSet
from foresight_harness.parts.datasets.motion import Mover
from foresight_harness.parts.datasets.moving_shapes import draw
from foresight_harness.parts.datasets.objects import Clip, ClipMask, boxes_of_frames, clip_of_frames
from foresight_harness.parts.datasets.shape_drawing import COLOURS

COUNTS = (2, 3, 4)
"""Balls of a clip."""
RADII = (0.07, 0.13)
"""Least and greatest, in sides of the picture; a ball's mass goes by its area."""
SPEEDS = (0.03, 0.06)
"""Least and greatest way from frame to frame at the meeting, in sides of the picture."""
GAP = 0.01
"""Least distance of balls that are not the two that meet, at that moment."""
TRIES = 200


class BouncingBalls(MadeSet):
    """Drawn clips; each depends on seed, split, index and number of frames alone.

    A clip is made from the moment in which two balls meet, at a time drawn from its middle half, and runs from there
    both ways: so every clip shows a meeting, and neither first nor last frame says when. Momentum is exchanged without
    loss. Directions are no label: each ball has its own, and changes it.
    """

    name = "bouncing_balls"
    generator = "bouncing_balls/1"
    least_canvas_px = 32
    moves = True

    def _sample(self, index: int, id: str) -> Sample:
        clip, masks, movers, motion = self._made(index)
        return Sample(
            id=id,
            group=id,
            clip=clip_of_frames(clip),
            boxes=boxes_of_frames(masks),
            masks=torch.from_numpy(masks),
            labels=tuple("ball" for _ in movers),
            motion=motion,
        )

    def _made(self, index: int) -> tuple[Clip, ClipMask, tuple[Mover, ...], dict[str, Any]]:
        random = self._random(index)
        movers, motion = compose(random, self._frames)
        clip, masks = draw(random, movers, self._canvas_px)
        return clip, masks, movers, motion


def compose(random: np.random.Generator, frames: int) -> tuple[tuple[Mover, ...], dict[str, Any]]:
    """Choose balls and let them run.

    Returns:
        The balls with their middles in each frame, and motion labels: ``frames``, and ``collisions``, the times in
        frames at which two balls meet.
    """
    balls = meeting(random)
    when = float(random.uniform(0.25, 0.75)) * (frames - 1)
    places, times = np.empty((frames, len(balls.radii), 2)), [when]
    for frame in range(frames):
        # Past the moment itself the two have met; before it they have not.
        after, met = advance(balls, frame - when)
        places[frame] = after.centres
        if frame in (0, frames - 1):
            times += [when + time for time in met if abs(time) > 1e-9]
    colours = random.choice(list(COLOURS), len(balls.radii), replace=False)
    movers = tuple(
        Mover("disc", str(colour), 0.0, 2 * float(radius), places[:, number])
        for number, (colour, radius) in enumerate(zip(colours, balls.radii, strict=True))
    )
    return movers, {"frames": tuple(range(frames)), "collisions": tuple(sorted(times))}


def meeting(random: np.random.Generator) -> Balls:
    """Balls at the moment in which the first two meet, none of the others in touch with any."""
    for _ in range(TRIES):
        count = int(random.choice(COUNTS))
        radii = random.uniform(*RADII, count)
        centres = random.uniform(radii[:, None], 1 - radii[:, None], (count, 2))
        angle = float(random.uniform(0, 2 * np.pi))
        line = np.array([np.cos(angle), np.sin(angle)])
        centres[1] = centres[0] + (radii[0] + radii[1]) * line
        turns = random.uniform(0, 2 * np.pi, count)
        ways = random.uniform(*SPEEDS, (count, 1)) * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        inside = bool(((centres >= radii[:, None]) & (centres <= 1 - radii[:, None])).all())
        closing = float((ways[1] - ways[0]) @ line)
        if inside and closing < -SPEEDS[0] and _free(centres, radii):
            return Balls(centres, ways, radii)
    raise AssertionError("no room for two balls that meet")


def _free(centres: np.ndarray[Any, Any], radii: np.ndarray[Any, Any]) -> bool:
    """Whether no two but the first two are nearer than ``GAP``."""
    first, second = np.triu_indices(len(radii), 1)
    between = np.linalg.norm(centres[first] - centres[second], axis=1) - radii[first] - radii[second]
    return bool((between[1:] >= GAP).all())
