"""The ten kinds of ``debug_clips``: what each frame shows, as shares of every pixel that an object covers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foresight_harness.parts.datasets.bouncing_balls import compose as meet
from foresight_harness.parts.datasets.clip_figures import coverages, hand, letters, turned, walker, weave
from foresight_harness.parts.datasets.motion import Places, heading_of
from foresight_harness.parts.datasets.shape_drawing import COLOURS, Floats

TURNING = ("cross", "square", "star", "triangle")
"""Kinds of objects whose turn can be seen."""
SPEEDS = (0.03, 0.05)
"""Way from frame to frame, in sides of the picture."""
RAPID = (0.09, 0.11)
"""The same of rapid motion."""
SHUTTER = 0.5
"""Share of a frame in which the shutter of rapid motion is open."""
EXPOSURES = 8
"""Moments of an open shutter that are averaged."""
WORDS = ("EXIT", "OPEN", "STOP", "TAXI")


@dataclass(frozen=True)
class Layer:
    """One object, on top of those before it."""

    label: str
    colour: str
    share: Floats
    """Of each pixel that it covers. [T, H_px, W_px], 0 to 1"""
    ink: Floats | None = None
    """Share of each pixel of it that is light instead (letters). [T, H_px, W_px]; None without any."""

    def inked(self, surface: Floats) -> Floats:
        """Its surface with what is written on it. [H_px, W_px, 3] -> [T, H_px, W_px, 3]"""
        assert self.ink is not None
        ink = self.ink[..., None].astype(np.float32)
        return np.asarray((1 - ink) * np.float32(0.45) * surface + ink * np.float32(0.95), dtype=np.float32)


@dataclass(frozen=True)
class Scene:
    """What a clip shows."""

    layers: Sequence[Layer]
    behind: Floats | None = None
    """[H_px, W_px, 3]; None is a texture of ``shapes``."""
    motion: Mapping[str, Any] = field(default_factory=dict)


Make = Callable[[np.random.Generator, int, int, int], Scene]
"""From a source of choices, a direction (0 to 7), frames and side in pixels."""


def _colour(random: np.random.Generator) -> str:
    return str(random.choice(list(COLOURS)))


def _kind(random: np.random.Generator) -> str:
    return str(random.choice(TURNING))


def _way(random: np.random.Generator, direction: int, frames: int, half: float, speed: float) -> Places:
    """A straight way whose middle is drawn so that it stays inside, or folds where it is too long. [T, 2]"""
    room = min(0.5, half + speed * (frames - 1) / 2)
    times = np.arange(frames) - (frames - 1) / 2
    straight = random.uniform(room, 1 - room, 2) + times[:, None] * speed * heading_of(direction)
    span = 1 - 2 * half
    along = (straight - half) / span
    return np.asarray(half + span * (1 - np.abs(along % 2 - 1)))


def one_still(random: np.random.Generator, direction: int, frames: int, px: int) -> Scene:
    """One object that stands still."""
    size = float(random.uniform(0.25, 0.4))
    place = np.tile(random.uniform(size * 0.75, 1 - size * 0.75, 2), (frames, 1))
    kind = _kind(random)
    angles = np.full(frames, random.uniform(0, 2 * np.pi))
    return Scene([Layer(kind, _colour(random), turned(kind, size, place, angles, px))])


def one_moving(random: np.random.Generator, direction: int, frames: int, px: int) -> Scene:
    """One object on a straight way."""
    return _moving(random, direction, frames, px, turn=0.0)


def one_turning(random: np.random.Generator, direction: int, frames: int, px: int) -> Scene:
    """One object that turns on a straight way."""
    return _moving(random, direction, frames, px, turn=float(random.choice([-1, 1]) * random.uniform(0.15, 0.3)))


def _moving(random: np.random.Generator, direction: int, frames: int, px: int, turn: float) -> Scene:
    size, speed, kind = float(random.uniform(0.2, 0.35)), float(random.uniform(*SPEEDS)), _kind(random)
    way = _way(random, direction, frames, size / 2, speed)
    angles = np.asarray(random.uniform(0, 2 * np.pi) + turn * np.arange(frames), dtype=np.float64)
    motion = {"direction": direction, "speed": speed}
    return Scene([Layer(kind, _colour(random), turned(kind, size, way, angles, px))], motion=motion)


def several_still(random: np.random.Generator, direction: int, frames: int, px: int) -> Scene:
    """Three objects that stand still, each in a corner of its own."""
    corners = random.permutation([(0.27, 0.27), (0.73, 0.27), (0.27, 0.73), (0.73, 0.73)])[:3]
    layers = []
    for corner in corners:
        size, kind = float(random.uniform(0.2, 0.35)), _kind(random)
        place = np.tile(corner + random.uniform(-0.05, 0.05, 2), (frames, 1))
        angles = np.full(frames, random.uniform(0, 2 * np.pi))
        layers.append(Layer(kind, _colour(random), turned(kind, size, place, angles, px)))
    return Scene(layers)


def several_meeting(random: np.random.Generator, direction: int, frames: int, px: int) -> Scene:
    """Balls of which two meet, as in ``bouncing_balls``."""
    movers, motion = meet(random, frames)
    return Scene(
        [Layer("ball", mover.colour, coverages(px, [(mover.centres, mover.size / 2)])) for mover in movers],
        motion={"collisions": motion["collisions"]},
    )


def hand_with_object(random: np.random.Generator, direction: int, frames: int, px: int) -> Scene:
    """A hand that comes from below and carries an object, as its owner sees it."""
    kind, size = _kind(random), float(random.uniform(0.18, 0.26))
    phase = np.linspace(0, np.pi, frames)
    side = float(random.choice([-1, 1]))
    grip = np.stack([0.5 + side * 0.2 * np.cos(phase), 0.5 - 0.14 * np.sin(phase)], axis=1)
    grip = grip + random.uniform(-0.03, 0.03, 2)
    angles = random.uniform(0, 2 * np.pi) + side * 0.4 * np.sin(phase)
    held = turned(kind, size, grip - [0.0, size * 0.25], angles, px)
    return Scene([Layer("hand", "orange", hand(grip, px)), Layer(kind, _colour(random), held)])


def person_walking(random: np.random.Generator, direction: int, frames: int, px: int) -> Scene:
    """A walker from head to feet, to one side, with arms and legs that swing against each other."""
    rightwards = direction in (0, 1, 6, 7)
    speed = float(random.uniform(0.03, 0.045))
    middle = float(random.uniform(0.45, 0.55))
    times = np.arange(frames) - (frames - 1) / 2
    along = np.clip(middle + (1 if rightwards else -1) * speed * times, 0.2, 0.8)
    phases = 2 * np.pi * (np.arange(frames) / 8 + random.random())
    share = walker(along, phases, float(random.uniform(0.62, 0.72)), px)
    motion = {"direction": 0 if rightwards else 4, "speed": speed} if frames <= 9 else {}
    return Scene([Layer("person", _colour(random), share)], motion=motion)


def sign_with_letters(random: np.random.Generator, direction: int, frames: int, px: int) -> Scene:
    """A sign with a word, past which the camera moves slowly."""
    word = str(random.choice(WORDS))
    shift = (np.arange(frames) - (frames - 1) / 2)[:, None] * 0.1 / max(1, frames - 1) * heading_of(direction)
    board, ink = letters(word, 0.5 + shift + random.uniform(-0.02, 0.02, 2), px)
    return Scene([Layer("sign", str(random.choice(["red", "green", "blue"])), board, ink)])


def fine_texture(random: np.random.Generator, direction: int, frames: int, px: int) -> Scene:
    """An object that crosses grass or cloth: detail of one or two pixels."""
    scene = _moving(random, direction, frames, px, turn=0.0)
    return Scene(scene.layers, weave(random, px), scene.motion)


def rapid(random: np.random.Generator, direction: int, frames: int, px: int) -> Scene:
    """An object so fast that an open shutter smears it; its mask is what it covers for half of that time at least."""
    size, speed, kind = float(random.uniform(0.22, 0.3)), float(random.uniform(*RAPID)), _kind(random)
    fine = (frames - 1) * 2 * EXPOSURES + 1
    way = _way(random, direction, fine, size / 2, speed / (2 * EXPOSURES))
    angles = np.full(EXPOSURES, random.uniform(0, 2 * np.pi))
    shares = []
    for frame in range(frames):
        opened = frame * 2 * EXPOSURES + np.arange(EXPOSURES) - int(EXPOSURES * SHUTTER)
        shares.append(turned(kind, size, way[np.clip(opened, 0, fine - 1)], angles, px).mean(axis=0))
    motion = {"direction": direction, "speed": speed} if frames <= 9 else {}
    return Scene([Layer(kind, _colour(random), np.stack(shares).astype(np.float32))], motion=motion)


SCENES: Mapping[str, Make] = {
    "one object, still": one_still,
    "one object, moving": one_moving,
    "one object, turning and moving": one_turning,
    "several objects, still": several_still,
    "several objects, meeting": several_meeting,
    "hand with an object": hand_with_object,
    "person walking": person_walking,
    "sign with letters": sign_with_letters,
    "fine texture": fine_texture,
    "rapid motion": rapid,
}
"""By name, in the order in which the documents list them."""
