"""How things move in generated clips: eight directions, straight ways, bounces, legal numbers of frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest

Places = npt.NDArray[np.float64]

DIRECTIONS = 8
DIRECTION_NAMES = ("right", "down-right", "down", "down-left", "left", "up-left", "up", "up-right")
"""Clockwise as seen on the screen, because rows count downwards."""
FRAMES = 9
"""Frames of a clip where none are asked for: two latent frames of LTX-Video."""
STRIDE_FRAMES = 8


@dataclass(frozen=True)
class Mover:
    """One object of a clip, in sides of the picture."""

    kind: str
    colour: str
    angle: float
    size: float
    centres: Places
    """x and y of its middle in each frame. [T, 2]"""


def heading_of(direction: int) -> Places:
    """Unit vector of a direction: x to the right, y down. [2]"""
    angle = direction * 2 * np.pi / DIRECTIONS
    return np.array([np.cos(angle), np.sin(angle)])


def clip_frames(name: str, request: DataRequest) -> int:
    """Frames of a clip: ``FRAMES`` where none are asked for.

    Raises:
        DataError: if the number is not 8k+1, with the nearest that are; LTX-Video has no latents of others.
    """
    frames = FRAMES if request.frames is None else request.frames
    if frames < 1 or (frames - 1) % STRIDE_FRAMES:
        lower = max(1, (frames - 1) // STRIDE_FRAMES * STRIDE_FRAMES + 1)
        raise DataError(
            f"data set {name}: {frames} frames asked; a clip has 8k+1, the nearest are {lower} and "
            f"{lower + STRIDE_FRAMES}"
        )
    return frames


def bounced(centres: Places, half: Places) -> tuple[Places, npt.NDArray[np.bool_]]:
    """Fold a straight way back into the picture where the object would leave it.

    Args:
        centres: Middles of the object in each frame as if there were no edges. [T, 2]
        half: Half of its width and height; an object is never wider than the picture. [2]

    Returns:
        The middles inside the picture [T, 2], and whether the way is folded back along x and along y at each of them
        [T, 2].
    """
    span = 1 - 2 * half
    along = (centres - half) / span
    turns = np.floor(along).astype(np.int64) % 2 == 1
    rest = along - np.floor(along)
    return half + span * np.where(turns, 1 - rest, rest), turns


def headings(direction: int, turns: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    """Direction in each frame, after bounces. ``turns`` [T, 2] -> T of 0 to 7"""
    found = []
    for turn in turns:
        x, y = heading_of(direction) * np.where(turn, -1, 1)
        found.append(int(np.rint(np.arctan2(y, x) / (2 * np.pi / DIRECTIONS))) % DIRECTIONS)
    return tuple(found)
