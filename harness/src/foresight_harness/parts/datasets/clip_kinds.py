"""``debug_clips``: one drawn clip of each of ten kinds, in turns, for looking at a pipeline before it is measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from foresight_harness.contracts.protocols import Sample
from foresight_harness.parts.datasets.clip_scenes import SCENES
from foresight_harness.parts.datasets.made_set import MadeSet
from foresight_harness.parts.datasets.motion import DIRECTIONS
from foresight_harness.parts.datasets.objects import Clip, ClipMask, boxes_of_frames, clip_of_frames
from foresight_harness.parts.datasets.shape_drawing import background, distinct_colour, paint

NOISE = (0.01, 0.03)
"""Least and greatest standard deviation of the pixel noise, drawn anew in every frame."""


class DebugClips(MadeSet):
    """Drawn clips; each depends on seed, split, index and number of frames alone, and its kind on the index.

    The kinds are those that the research documents pick by hand: still and moving, one object and several, one that
    turns, two that meet, a hand, a walker, a sign with letters, fine texture, motion blur. ``motion["action"]`` names
    the kind. They show what goes wrong, and are too few and too unlike each other for a mean over them to say anything.
    """

    name = "debug_clips"
    generator = "debug_clips/1"
    least_canvas_px = 32
    moves = True

    def _sample(self, index: int, id: str) -> Sample:
        clip, masks, labels, motion = self._made(index)
        return Sample(
            id=id,
            group=id,
            clip=clip_of_frames(clip),
            boxes=boxes_of_frames(masks),
            masks=torch.from_numpy(masks),
            labels=labels,
            motion=motion,
        )

    def _made(self, index: int) -> tuple[Clip, ClipMask, tuple[str, ...], dict[str, Any]]:
        random = self._random(index)
        names = list(SCENES)
        name, direction = names[index % len(names)], index // len(names) % DIRECTIONS
        scene = SCENES[name](random, direction, self._frames, self._canvas_px)
        behind = background(random, self._canvas_px) if scene.behind is None else scene.behind
        clip = np.tile(behind, (self._frames, 1, 1, 1))
        masks = np.zeros((self._frames, len(scene.layers), self._canvas_px, self._canvas_px), dtype=np.bool_)
        for number, layer in enumerate(scene.layers):
            colour = distinct_colour(random, layer.colour, behind.mean(axis=(0, 1)))
            surface = paint(random, colour, (self._canvas_px, self._canvas_px))
            share = layer.share[..., None].astype(np.float32)
            clip = (1 - share) * clip + share * (surface if layer.ink is None else layer.inked(surface))
            masks[:, :number] &= ~(layer.share >= 0.5)[:, None]
            masks[:, number] = layer.share >= 0.5
        noise = random.standard_normal(clip.shape, dtype=np.float32) * np.float32(random.uniform(*NOISE))
        motion = {"frames": tuple(range(self._frames)), "action": name, **scene.motion}
        pixels = np.clip(255 * (clip + noise), 0, 255).astype(np.uint8)
        return pixels, masks, tuple(layer.label for layer in scene.layers), motion
