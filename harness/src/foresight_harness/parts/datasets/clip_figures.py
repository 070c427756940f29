"""What ``debug_clips`` are drawn from: limbs, outlines that turn rigidly, letters, grass and cloth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foresight_harness.parts.datasets.motion import Places
from foresight_harness.parts.datasets.shape_drawing import COLOURS, Floats, cross, faded, regular, within

OUTLINES: dict[str, Places] = {
    "cross": cross() / np.sqrt(1 + 0.36**2),
    "square": regular(4),
    "star": regular(10, inner=0.5),
    "triangle": regular(3),
}
"""Corners within the unit circle, so that a turn changes no size."""
GLYPHS = {
    "A": "01110 10001 10001 11111 10001 10001 10001",
    "E": "11111 10000 10000 11110 10000 10000 11111",
    "I": "11111 00100 00100 00100 00100 00100 11111",
    "N": "10001 11001 10101 10011 10001 10001 10001",
    "O": "01110 10001 10001 10001 10001 10001 01110",
    "P": "11110 10001 10001 11110 10000 10000 10000",
    "S": "01111 10000 10000 01110 00001 00001 11110",
    "T": "11111 00100 00100 00100 00100 00100 00100",
    "X": "10001 10001 01010 00100 01010 10001 10001",
}
"""Letters of five by seven dots, row by row."""
BOARD = (0.8, 0.36)
"""Width and height of a sign, in sides of the picture."""

Limb = tuple[Places, float] | tuple[Places, Places, float]
"""A disc (middles [T, 2], radius) or a rounded bar (both ends [T, 2], half its width)."""


def _places(px: int) -> Places:
    return np.asarray((np.arange(px) + 0.5) / px)


def coverages(px: int, limbs: Sequence[Limb]) -> Floats:
    """Pixels whose centre lies in any of the limbs. [T, px, px], 0 or 1"""
    xs = np.stack(np.meshgrid(_places(px), _places(px)), axis=-1)  # [px, px, 2]
    found = np.zeros((len(limbs[0][0]), px, px), dtype=np.bool_)
    for limb in limbs:
        first, last, reach = (limb[0], limb[0], limb[1]) if len(limb) == 2 else limb
        for frame, (start, end) in enumerate(zip(first, last, strict=True)):
            along = end - start
            length = float(along @ along)
            share = np.clip((xs - start) @ along / length, 0, 1) if length > 0 else np.zeros((px, px))
            nearest = start + share[..., None] * along
            found[frame] |= np.square(xs - nearest).sum(axis=-1) <= reach**2
    return found.astype(np.float32)


def turned(kind: str, size: float, centres: Places, angles: Places, px: int) -> Floats:
    """An outline, ``size`` across at most, at places [T, 2] and angles [T]. [T, px, px], 0 or 1"""
    places, found = _places(px), []
    for (x, y), angle in zip(centres, angles, strict=True):
        turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
        found.append(within(OUTLINES[kind] @ turn * size / 2, places - x, places - y))
    return np.stack(found).astype(np.float32)


def hand(grip: Places, px: int) -> Floats:
    """A hand with spread fingers, on an arm that comes in from below. ``grip`` is where fingertips meet [T, 2]."""
    palm = grip + np.array([0.0, 0.2])
    elbow = np.stack([0.5 + 0.6 * (palm[:, 0] - 0.5), np.full(len(grip), 1.1)], axis=1)
    roots, tips = (-0.06, -0.02, 0.02, 0.06), ((-0.12, 0.04), (-0.05, 0.01), (0.04, 0.0), (0.1, 0.03))
    fingers: list[Limb] = [
        (palm + np.array([root, -0.04]), grip + tip, 0.019)
        for root, tip in zip(roots, map(np.array, tips), strict=True)
    ]
    thumb: Limb = (palm + np.array([0.05, 0.02]), palm + np.array([0.15, -0.06]), 0.022)
    return coverages(px, [(palm, elbow, 0.055), (palm, 0.085), thumb, *fingers])


def walker(along: Places, phases: Places, height: float, px: int) -> Floats:
    """A figure on the ground at y = 0.92; its x [T], and the swing of its legs in radians [T]."""
    ground = 0.92
    hip, neck = ground - 0.47 * height, ground - 0.8 * height
    swing = 0.5 * np.sin(phases)

    def at(x: Places, y: Places | float) -> Places:
        return np.stack([x, np.broadcast_to(np.asarray(y, dtype=np.float64), x.shape)], axis=1)

    width = 0.055 * height
    limbs: list[Limb] = [
        (at(along, ground - 0.9 * height), 0.1 * height),
        (at(along, neck), at(along, hip), 1.7 * width),
    ]
    for sign in (-1, 1):
        turn = sign * swing
        foot = at(along + 0.44 * height * np.sin(turn), hip + 0.44 * height * np.cos(turn))
        palm = at(along - 0.34 * height * np.sin(turn), neck + 0.05 * height + 0.34 * height * np.cos(turn))
        limbs += [(at(along, hip), foot, width), (at(along, neck + 0.05 * height), palm, 0.75 * width)]
    return coverages(px, limbs)


def letters(word: str, centres: Places, px: int) -> tuple[Floats, Floats]:
    """A sign at places [T, 2], and the letters on it. Both [T, px, px], 0 or 1"""
    rows = [[dot for letter in word for dot in (*GLYPHS[letter].split()[row], "0")][:-1] for row in range(7)]
    dots = np.array(rows) == "1"
    cell = min(0.88 * BOARD[0] / dots.shape[1], 0.7 * BOARD[1] / 7)
    board, ink = np.zeros((2, len(centres), px, px), dtype=np.float32)
    for frame, (x, y) in enumerate(centres):
        xs, ys = _places(px) - x, _places(px) - y
        board[frame] = (np.abs(ys) <= BOARD[1] / 2)[:, None] & (np.abs(xs) <= BOARD[0] / 2)[None, :]
        cols = np.floor(xs / cell + dots.shape[1] / 2).astype(int)
        lines = np.floor(ys / cell + 7 / 2).astype(int)
        inside = ((lines >= 0) & (lines < 7))[:, None] & ((cols >= 0) & (cols < dots.shape[1]))[None, :]
        at = dots[np.clip(lines, 0, 6)[:, None], np.clip(cols, 0, dots.shape[1] - 1)[None, :]]
        ink[frame] = inside & at
    return board, ink


def weave(random: np.random.Generator, px: int) -> Floats:
    """Grass (blades of one pixel, some long) or cloth (threads over and under). [px, px, 3]"""
    base = np.array(COLOURS[str(random.choice(["green", "yellow", "cyan", "purple"]))], dtype=np.float32)
    if random.random() < 0.5:
        blades = random.random((px, px), dtype=np.float32)
        field = (blades + np.roll(blades, 1, axis=0) + np.roll(blades, 2, axis=0)) / 3 - np.float32(0.5)
    else:
        rows, cols = np.indices((px, px)) // max(1, px // 64)
        field = np.where((rows + cols) % 2 == 0, np.float32(0.25), np.float32(-0.25))
        field = field + np.float32(0.1) * (random.random((px, px), dtype=np.float32) - np.float32(0.5))
    light = (1 + np.float32(1.2) * field)[..., None]
    return np.clip(np.asarray(faded(base, 0.8, 0.8) * light, dtype=np.float32), 0, 1)
