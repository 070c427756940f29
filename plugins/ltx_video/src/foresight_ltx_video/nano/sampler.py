"""What the nano autoencoder is trained on: training splits alone, drawn anew from the seed, mirrored at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from foresight_harness import DataRequest
from foresight_harness.parts.datasets.digits import Digits
from foresight_harness.parts.datasets.moving_shapes import MovingShapes
from foresight_harness.parts.datasets.photos import Photos
from foresight_harness.parts.datasets.shapes import Shapes
from torch import Tensor

CANVAS_PX = 128
CROP_PX = 64
"""Side of what is cut from a clip."""
SOURCES: dict[str, tuple[Any, int]] = {"shapes": (Shapes, 1000), "photos": (Photos, 240), "digits": (Digits, 120)}
"""Stills of a run, by data set."""
CLIPS = 48
FRAMES = 9


@dataclass(frozen=True)
class Pool:
    """Training pictures and clips of a run, as bytes."""

    stills: Tensor
    """[N, 3, H_px, W_px] uint8"""
    clips: Tensor
    """[M, T, 3, H_px, W_px] uint8"""
    fingerprints: dict[str, str]

    def draw(self, generator: torch.Generator, count: int) -> Tensor:
        """Stills in [-1, 1], with one frame each. [count, 3, 1, H_px, W_px]"""
        chosen = torch.randint(len(self.stills), (count,), generator=generator)
        return mirrored(_signed(self.stills[chosen]).unsqueeze(2), generator)

    def draw_clips(self, generator: torch.Generator, count: int) -> Tensor:
        """Squares cut from clips, in [-1, 1]. [count, 3, T, CROP_PX, CROP_PX]"""
        crops = []
        for _ in range(count):
            clip = self.clips[int(torch.randint(len(self.clips), (), generator=generator))]
            top, left = (int(torch.randint(limit - CROP_PX + 1, (), generator=generator)) for limit in clip.shape[-2:])
            crops.append(clip[:, :, top : top + CROP_PX, left : left + CROP_PX])
        return mirrored(_signed(torch.stack(crops)).transpose(1, 2), generator)


def build_pool(seed: int, share: float = 1.0) -> Pool:
    """Draw the training pictures of a seed; ``share`` below 1 takes fewer of each, for a trial.

    Raises:
        DataError: if an installed package ships without its pictures.
    """
    stills, fingerprints = [], {}
    for name, (maker, count) in SOURCES.items():
        held = maker(DataRequest("train", max(2, round(count * share)), seed, canvas_px=CANVAS_PX))
        stills += [_bytes(held[index].clip[0]) for index in range(len(held))]
        fingerprints[name] = held.fingerprint
    moving = MovingShapes(DataRequest("train", max(2, round(CLIPS * share)), seed, canvas_px=CANVAS_PX, frames=FRAMES))
    clips = [_bytes(moving[index].clip) for index in range(len(moving))]
    fingerprints["moving_shapes"] = moving.fingerprint
    return Pool(torch.stack(stills), torch.stack(clips), fingerprints)


def mirrored(clips: Tensor, generator: torch.Generator) -> Tensor:
    """Each mirrored along rows, along columns, or both, at even odds. [B, 3, T, H_px, W_px]"""
    flips = torch.rand(len(clips), 2, generator=generator) < 0.5
    for axis in (0, 1):
        which = flips[:, axis].reshape(-1, 1, 1, 1, 1)
        clips = torch.where(which, clips.flip(-1 - axis), clips)
    return clips


def _bytes(pixels: Tensor) -> Tensor:
    return (pixels * 255).round().to(torch.uint8)


def _signed(pixels: Tensor) -> Tensor:
    return pixels.float() / 127.5 - 1
