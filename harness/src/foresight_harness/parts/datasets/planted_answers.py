"""Right and wrong answers to what comes next, planted in drawn clips: one thing about the moving object is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.motion import DIRECTIONS, Mover, Places, bounced, heading_of
from foresight_harness.parts.datasets.shape_drawing import KINDS, sides

ANSWERS = "answers/1"
"""Raised whenever the same clip gets other answers."""
PLANTED = ("elsewhere", "kind", "direction", "frozen", "swapped")
"""The object in another place, of another kind, moving in another direction; the first frame held; the halves of the
clip exchanged."""
FRAMES_ALONE = ("frozen", "swapped")
"""Those that can be made of any clip, because they only choose frames."""
TURNS = (2, 3, 4, 5, 6)
"""Eighths of a turn by which a wrong direction differs: at least a right angle."""
AWAY = 0.15
"""Least distance of *elsewhere* from the true way, in sides of the picture, where there is room for it."""
PLACES_TRIED = 64


def frames_of(wrong: str | None, frames: int) -> list[int]:
    """Numbers of the frames that an answer shows, in its order; all of them where nothing is wrong with the order."""
    if wrong == "frozen":
        return [0] * frames
    if wrong == "swapped":
        half = (frames + 1) // 2
        return [*range(half, frames), *range(half)]
    return list(range(frames))


def answered(
    random: np.random.Generator, movers: tuple[Mover, ...], direction: int, wrong: str | None
) -> tuple[Mover, ...]:
    """The objects as an answer shows them.

    Args:
        random: Source of what is chosen.
        movers: As they really were, the moving one last.
        direction: 0 to 7, of the moving one.
        wrong: One of ``PLANTED``; None is the right answer, the same event.

    Raises:
        DataError: for another kind of answer.
    """
    *still, mover = movers
    frames = len(mover.centres)
    if wrong is None:
        return movers
    if wrong in FRAMES_ALONE:
        shown = frames_of(wrong, frames)
        return tuple(replace(one, centres=one.centres[shown]) for one in movers)
    if wrong == "elsewhere":
        changed = replace(mover, centres=mover.centres + _shift(random, mover))
    elif wrong == "kind":
        changed = replace(mover, kind=str(random.choice([kind for kind in KINDS if kind != mover.kind])))
    elif wrong == "direction":
        changed = replace(mover, centres=_turned(mover, (direction + int(random.choice(TURNS))) % DIRECTIONS))
    else:
        raise DataError(f"answer {wrong!r} is none that can be planted; there are {', '.join(PLANTED)}")
    return (*still, changed)


def _half(mover: Mover) -> Places:
    """Half of its width and height. [2]"""
    return np.array(sides(mover.kind, mover.angle)) * mover.size / 2


def _shift(random: np.random.Generator, mover: Mover) -> Places:
    """By how much the whole way is moved so that it stays inside: the first draw that is far enough, else the farthest.

    [2]
    """
    half = _half(mover)
    low, high = half - mover.centres.min(axis=0), 1 - half - mover.centres.max(axis=0)
    drawn = random.uniform(np.minimum(low, 0), np.maximum(high, 0), (PLACES_TRIED, 2))
    distances = np.linalg.norm(drawn, axis=1)
    far = np.flatnonzero(distances >= AWAY)
    return np.asarray(drawn[far[0] if far.size else distances.argmax()])


def _turned(mover: Mover, direction: int) -> Places:
    """Its way in another direction, at the same speed through the same middle. [T, 2]"""
    frames = len(mover.centres)
    steps = np.linalg.norm(np.diff(mover.centres, axis=0), axis=1)
    speed = float(np.median(steps)) if frames > 1 else 0.0
    times = np.arange(frames) - (frames - 1) / 2
    centres, _ = bounced(mover.centres[frames // 2] + times[:, None] * speed * heading_of(direction), _half(mover))
    return centres
