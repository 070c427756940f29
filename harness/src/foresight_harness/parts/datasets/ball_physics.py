"""Balls that meet without loss: exact from one meeting to the next, forwards and backwards in time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from foresight_harness.parts.datasets.motion import Places

MOST_MEETINGS = 1000
"""In one span: more are a state that cannot be."""


class Balls(NamedTuple):
    """Discs of one density in the unit square."""

    centres: Places
    """[N, 2]"""
    ways: Places
    """Way of each in a frame. [N, 2]"""
    radii: Places
    """[N]"""

    @property
    def energy(self) -> float:
        """Of motion, in units of density: what no meeting changes."""
        return float((self.radii**2 * np.square(self.ways).sum(axis=1)).sum() / 2)


def advance(balls: Balls, frames: float) -> tuple[Balls, list[float]]:
    """Balls after so many frames, and when two of them met.

    Between meetings all move straight; walls turn one side of a way around; two balls exchange momentum along the line
    of their centres, each as heavy as its area. Nothing is stepped, so nothing is lost.

    Args:
        balls: None of which overlap or reach beyond the square.
        frames: How long; below 0 is back in time.
    """
    sign = -1.0 if frames < 0 else 1.0
    centres, ways, radii = balls.centres.copy(), sign * balls.ways, balls.radii
    left, met = abs(frames), list[float]()
    for _ in range(MOST_MEETINGS):
        wait, first, second = _next(centres, ways, radii)
        if wait >= left:
            return Balls(centres + left * ways, sign * ways, radii), met
        centres += wait * ways
        left -= wait
        if second < 0:
            ball, side = divmod(first, 2)
            ways[ball, side] = -ways[ball, side]
        else:
            met.append(sign * (abs(frames) - left))
            _exchange(centres, ways, radii, first, second)
    raise AssertionError("balls that meet without end")


def _next(centres: Places, ways: Places, radii: Places) -> tuple[float, int, int]:
    """The next meeting: when, and the two balls; of a wall twice the ball plus the side that turns, and -1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(ways > 0, 1 - radii[:, None] - centres, radii[:, None] - centres)
        waits = np.where(ways == 0, np.inf, np.maximum(room / ways, 0.0))
    wall = int(waits.argmin())
    found = (float(waits.flat[wall]), wall, -1)
    for first in range(len(radii)):
        for second in range(first + 1, len(radii)):
            wait = _meeting(centres[second] - centres[first], ways[second] - ways[first], radii[first] + radii[second])
            if wait < found[0]:
                found = (wait, first, second)
    return found


def _meeting(apart: Places, way: Places, reach: float) -> float:
    """When two middles that far apart, [2], come within reach of each other on that way, [2]; infinite if never."""
    closing, speed = float(apart @ way), float(way @ way)
    if closing >= 0:
        return float("inf")
    inside = closing**2 - speed * (float(apart @ apart) - reach**2)
    return float("inf") if inside < 0 else max(0.0, (-closing - inside**0.5) / speed)


def _exchange(centres: Places, ways: Places, radii: Places, first: int, second: int) -> None:
    """Momentum along the line of two centres, without loss."""
    along = centres[second] - centres[first]
    along = along / np.linalg.norm(along)
    mass = radii**2
    push = 2 * float((ways[second] - ways[first]) @ along) / (1 / mass[first] + 1 / mass[second])
    ways[first] += push / mass[first] * along
    ways[second] -= push / mass[second] * along
