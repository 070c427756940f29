"""What the pictures of ``shapes`` are drawn with: outlines, textures and colours."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.float64]

COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.86, 0.16, 0.16),
    "orange": (0.94, 0.55, 0.12),
    "yellow": (0.92, 0.86, 0.20),
    "green": (0.18, 0.66, 0.26),
    "cyan": (0.20, 0.74, 0.78),
    "blue": (0.18, 0.30, 0.84),
    "purple": (0.52, 0.22, 0.70),
    "pink": (0.92, 0.46, 0.68),
}
"""Colours of objects; the background takes the same ones at lower contrast."""
TEXTURE_CONTRAST = 0.6
"""Share of the way from one of its two colours to the other that a background spans."""
LEAST_CONTRAST = 0.25
"""Distance in RGB from object to what lies behind it, where some tint of its colour reaches it."""
TINTS_TRIED = 8


def _regular(corners: int, inner: float | None = None) -> Places:
    """Corners on the unit circle, with ``inner`` alternating between two radii (a star). [corners, 2]"""
    angles = 2 * np.pi * np.arange(corners) / corners
    radii = np.ones(corners) if inner is None else np.where(np.arange(corners) % 2 == 0, 1.0, inner)
    return np.stack([radii * np.sin(angles), -radii * np.cos(angles)], axis=1)


def _cross(arm: float = 0.36) -> Places:
    """A plus sign with arms of half width ``arm``. [12, 2]"""
    quarter = np.array([(arm, -1.0), (arm, -arm), (1.0, -arm)])
    turn = np.array([(0.0, 1.0), (-1.0, 0.0)])
    return np.concatenate([quarter @ np.linalg.matrix_power(turn, k) for k in range(4)])


def _polygon(corners: Places) -> Callable[[float], tuple[Places, Places]]:
    """Places at an angle, scaled so that its longer side is 1, with its two sides."""

    def turned(angle: float) -> tuple[Places, Places]:
        turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
        points = corners @ turn
        low, high = points.min(axis=0), points.max(axis=0)
        longest = (high - low).max()
        return (points - (low + high) / 2) / longest, (high - low) / longest

    return turned


POLYGONS: dict[str, Callable[[float], tuple[Places, Places]]] = {
    "cross": _polygon(_cross()),
    "square": _polygon(_regular(4)),
    "star": _polygon(_regular(10, inner=0.5)),
    "triangle": _polygon(_regular(3)),
}
KINDS = ("cross", "disc", "ring", "square", "star", "triangle")
"""Kinds of objects; disc and ring are the two that are no polygons."""
RING_HOLE = 0.5
"""Radius of a ring's hole, in radii of the ring."""


def sides(kind: str, angle: float) -> tuple[float, float]:
    """Width and height of an object of that kind at that angle; the longer one is 1."""
    if kind not in POLYGONS:
        return 1.0, 1.0
    _, extent = POLYGONS[kind](angle)
    return float(extent[0]), float(extent[1])


def coverage(kind: str, angle: float, xs: Places, ys: Places) -> npt.NDArray[np.bool_]:
    """Which pixel centres an object covers.

    Args:
        kind: One of ``KINDS``.
        angle: Turn in radians; of no effect on discs and rings.
        xs: Columns' centres relative to the object's centre, in units of its longer side. [W_px]
        ys: Rows' centres likewise. [H_px]

    Returns:
        [H_px, W_px] bool
    """
    if kind not in POLYGONS:
        squared = ys[:, None] ** 2 + xs[None, :] ** 2
        inner = (0.5 * RING_HOLE) ** 2 if kind == "ring" else -1.0
        return np.asarray((squared <= 0.25) & (squared > inner))
    points, _ = POLYGONS[kind](angle)
    following = np.roll(points, -1, axis=0)
    x0, y0 = points[:, 0, None], points[:, 1, None]
    x1, y1 = following[:, 0, None], following[:, 1, None]
    spans = (y0 > ys) != (y1 > ys)
    run = np.where(y1 == y0, 1.0, y1 - y0)
    crossing = np.where(spans, x0 + (x1 - x0) * (ys - y0) / run, -np.inf)
    return np.asarray((xs[None, None, :] < crossing[:, :, None]).sum(axis=0) % 2 == 1)


@lru_cache(maxsize=32)
def _interpolation(knots: int, size: int) -> Floats:
    """Linear interpolation of ``knots`` values at ``size`` places. [size, knots]"""
    places = np.linspace(0, knots - 1, size)
    weights = np.clip(1 - np.abs(places[:, None] - np.arange(knots)[None, :]), 0, None)
    return np.asarray(weights, dtype=np.float32)


def _clouds(random: np.random.Generator, size: int) -> Floats:
    """Smooth noise of two grain sizes, in [0, 1]. [size, size]"""
    field = np.zeros((size, size), dtype=np.float32)
    for knots, share in ((int(random.integers(4, 8)), 0.65), (int(random.integers(12, 24)), 0.35)):
        weights = _interpolation(knots, size)
        field += np.float32(share) * (weights @ random.random((knots, knots), dtype=np.float32) @ weights.T)
    return field


def _waves(random: np.random.Generator, size: int) -> Floats:
    """Stripes or a chequer of soft waves, in [0, 1]. [size, size]"""
    places = np.linspace(0, 1, size, dtype=np.float32)
    angle, phase = random.uniform(0, 2 * np.pi, 2)
    cycles = 2 * np.pi * random.uniform(3, 9)
    along = np.cos(angle) * places[None, :] + np.sin(angle) * places[:, None]
    field = np.sin(cycles * along + phase)
    if random.random() < 0.5:
        across = np.sin(angle) * places[None, :] - np.cos(angle) * places[:, None]
        field = field * np.sin(cycles * across + phase)
    return np.asarray(0.5 + 0.5 * field, dtype=np.float32)


def background(random: np.random.Generator, size: int) -> Floats:
    """A texture between two of the objects' colours, at lower contrast and at any saturation. [size, size, 3]"""
    palette = np.array(list(COLOURS.values()), dtype=np.float32)
    first, second = palette[random.choice(len(palette), 2, replace=False)]
    field = np.float32(TEXTURE_CONTRAST) * (_clouds(random, size) - np.float32(0.5))
    if random.random() < 0.5:
        field = np.float32(0.6) * field + np.float32(0.3) * (_waves(random, size) - np.float32(0.5))
    texture = field[:, :, None] * (first - second) + first * np.float32(0.6) + second * np.float32(0.4)
    return faded(texture, random.uniform(0.3, 1.0), random.uniform(0.7, 1.1))


def faded(colours: Floats, saturation: float, brightness: float) -> Floats:
    """Colours drawn towards their own grey, then dimmed. [..., 3] -> [..., 3]"""
    grey = colours.mean(axis=-1, keepdims=True)
    return np.asarray(np.float32(brightness) * (grey + np.float32(saturation) * (colours - grey)), dtype=np.float32)


def distinct_colour(random: np.random.Generator, name: str, behind: Floats) -> Floats:
    """A tint of a named colour that can be told from what lies behind it.

    Both object and background come from one palette at random saturation, so that neither hue, saturation nor
    brightness of a pixel says to which of the two it belongs. What is left is that they differ where they meet.

    Args:
        random: Source of the tint.
        name: One of ``COLOURS``; where no tint of it stands out, the tint that does so most is taken.
        behind: Mean colour behind the object. [3]

    Returns:
        [3] float32
    """
    base = np.array(COLOURS[name], dtype=np.float32)
    tints = np.stack([faded(base, *random.uniform((0.35, 0.7), (1.0, 1.1))) for _ in range(TINTS_TRIED)])
    contrast = np.linalg.norm(tints - behind, axis=1)
    clear = np.flatnonzero(contrast >= LEAST_CONTRAST)
    return np.asarray(tints[clear[0] if clear.size else contrast.argmax()])


def paint(random: np.random.Generator, colour: Floats, size: tuple[int, int]) -> Floats:
    """An object's own surface: its colour under uneven light. [3] -> [H_px, W_px, 3]"""
    rows = np.linspace(-0.5, 0.5, size[0], dtype=np.float32)[:, None]
    cols = np.linspace(-0.5, 0.5, size[1], dtype=np.float32)[None, :]
    slope = random.uniform(-0.25, 0.25, 2).astype(np.float32)
    light = 1 + slope[0] * rows + slope[1] * cols
    return np.asarray(light[:, :, None] * colour, dtype=np.float32)
