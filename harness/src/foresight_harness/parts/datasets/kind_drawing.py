"""What ``kinds`` and ``moving_kinds`` are drawn with: five outlines of one area, and scenes of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foresight_harness.parts.datasets.objects import Clip, ClipMask
from foresight_harness.parts.datasets.shape_drawing import (
    BRIGHTNESSES,
    COLOURS,
    MEANS,
    SATURATIONS,
    Floats,
    Places,
    background,
    cross,
    faded,
    regular,
    within,
)

TARGET = "star"
"""The kind that is to be found: the only one with boxes and masks."""
TEXTURE = 1.2
"""Contrast of the background's texture: as strong as that of objects to what lies behind them."""
CONTRASTS = (0.2, 0.3)
"""Least and greatest distance in RGB from an object's tint to the mean of what lies behind it."""
TINTS_TRIED = 24
LIGHT = 0.125
"""Most that an object's colour brightens from its middle to its rim."""
AREA = 0.75 * 3**0.5
"""Area of every kind, in squares of its reach: that of the triangle, whose corners lie farthest out at equal area."""


def _of_area(corners: Places) -> Places:
    """The polygon at its place, scaled to ``AREA``. [corners, 2]"""
    x, y = corners.T
    area = 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
    return np.asarray(corners * (AREA / area) ** 0.5)


OUTLINES: dict[str, Places] = {
    "cross": _of_area(cross()),
    "square": _of_area(regular(4)),
    "star": _of_area(regular(10, inner=0.5)),
    "triangle": _of_area(regular(3)),
}
"""Corners around the middle, within a circle of radius 1: the reach."""
KINDS = ("circle", *OUTLINES)


@dataclass(frozen=True)
class Piece:
    """One object of a scene, in sides of the picture."""

    kind: str
    angle: float
    """Turn in radians; of no effect on circles."""
    reach: float
    """Radius of the circle that every kind of that size lies in."""
    centres: Places
    """x and y of its middle in each frame. [T, 2]"""


def covered(kind: str, angle: float, xs: Places, ys: Places) -> npt.NDArray[np.bool_]:
    """Which pixel centres an object covers.

    Args:
        kind: One of ``KINDS``.
        angle: Turn in radians.
        xs: Columns' centres relative to the object's middle, in units of its reach. [W_px]
        ys: Rows' centres likewise. [H_px]

    Returns:
        [H_px, W_px] bool
    """
    if kind not in OUTLINES:
        return np.asarray(ys[:, None] ** 2 + xs[None, :] ** 2 <= AREA / np.pi)
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    return within(OUTLINES[kind] @ turn, xs, ys)


def tint_beside(random: np.random.Generator, behind: Floats) -> Floats:
    """Another background's mean colour, so that objects have no colours of their own.

    Args:
        random: Source of the tint.
        behind: Mean colour behind the object. [3]

    Returns:
        The first of the tints tried whose contrast lies in ``CONTRASTS``, else the one that comes nearest. [3] float32
    """
    palette = np.array(list(COLOURS.values()), dtype=np.float32)
    first = random.integers(len(palette), size=TINTS_TRIED)
    second = (first + random.integers(1, len(palette), TINTS_TRIED)) % len(palette)
    means = palette[first] * np.float32(MEANS[0]) + palette[second] * np.float32(MEANS[1])
    saturations, lights = (random.uniform(*bounds, (TINTS_TRIED, 1)) for bounds in (SATURATIONS, BRIGHTNESSES))
    tints = faded(means, saturations, lights)
    contrasts = np.linalg.norm(tints - behind, axis=1)
    return np.asarray(tints[np.abs(contrasts - contrasts.clip(*CONTRASTS)).argmin()])


def draw(
    random: np.random.Generator, pieces: tuple[Piece, ...], canvas_px: int, noise: tuple[float, float]
) -> tuple[Clip, ClipMask]:
    """Draw the objects in order, later ones on top.

    What is drawn at random, and from where in the picture an object's tint is chosen, depends on no object's kind.

    Args:
        random: Source of textures, tints, light and noise; the noise is of each frame, all else one for the clip.
        pieces: What is where in each frame; all lie within the picture.
        canvas_px: Side of the picture.
        noise: Least and greatest standard deviation of the pixel noise, of 1.

    Returns:
        The frames [T, H_px, W_px, 3] uint8 and the visible part of each object [T, N, H_px, W_px] bool; a pixel belongs
        to an object where its centre does.
    """
    behind = background(random, canvas_px, TEXTURE)
    frames = len(pieces[0].centres)
    clip = np.tile(behind, (frames, 1, 1, 1))
    masks = np.zeros((frames, len(pieces), canvas_px, canvas_px), dtype=np.bool_)
    for number, piece in enumerate(pieces):
        windows = [_window(centre, piece.reach, canvas_px) for centre in piece.centres]
        around = np.mean([behind[window].mean(axis=(0, 1)) for window in windows], axis=0)
        tint = tint_beside(random, around)
        slope = random.uniform(-LIGHT, LIGHT, 2)
        for frame, (window, centre) in enumerate(zip(windows, piece.centres, strict=True)):
            ys, xs = (
                ((np.arange(part.start, part.stop) + 0.5) / canvas_px - middle) / piece.reach
                for part, middle in zip(window, centre[::-1], strict=True)
            )
            inside = covered(piece.kind, piece.angle, xs, ys)
            light = 1 + slope[0] * xs[None, :] + slope[1] * ys[:, None]
            masks[frame, :, *window][:, inside] = False
            masks[frame, number, *window] = inside
            clip[frame][window][inside] = light[inside][:, None] * tint
    grain = random.standard_normal(clip.shape, dtype=np.float32)
    grain *= np.float32(255 * random.uniform(*noise))
    clip *= np.float32(255)
    clip += grain
    return np.clip(clip, 0, 255, out=clip).astype(np.uint8), masks


def _window(centre: Places, reach: float, canvas_px: int) -> tuple[slice, slice]:
    """Rows and columns of the square around an object, the same for every kind. ``centre``: x and y [2]"""
    low = np.maximum(np.floor((centre - reach) * canvas_px), 0).astype(int)
    high = np.minimum(np.ceil((centre + reach) * canvas_px), canvas_px).astype(int)
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
