"""What ``ltx_video_16px_nano`` is trained on and what its states are judged by: training splits, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from foresight_harness import DataRequest
from foresight_harness.parts.datasets.digits import Digits
from foresight_harness.parts.datasets.kinds import Kinds
from foresight_harness.parts.datasets.moving_digits import MovingDigits
from foresight_harness.parts.datasets.moving_kinds import MovingKinds
from foresight_harness.parts.datasets.moving_shapes import MovingShapes
from foresight_harness.parts.datasets.photos import Photos
from foresight_harness.parts.datasets.shapes import Shapes
from torch import Tensor

from foresight_ltx_video.nano.sampler import mirrored

CANVAS_PX = 128
LARGE_PX = 224
"""The other canvas: the same things, drawn larger."""
FRAMES = 9
STILLS: dict[str, tuple[Any, int, int]] = {
    "shapes": (Shapes, 400, 60),
    "kinds": (Kinds, 400, 60),
    "photos": (Photos, 160, 40),
    "digits": (Digits, 160, 0),
}
"""Makers, pictures on the usual canvas, pictures on the large one."""
CLIPS: dict[str, tuple[Any, int]] = {
    "moving_shapes": (MovingShapes, 32),
    "moving_kinds": (MovingKinds, 32),
    "moving_digits": (MovingDigits, 24),
}
JUDGED_BY = (12, 2)
"""Stills and clips of each set that states of a run are judged by."""
JUDGED_SEED = 1000
"""Added to the seed for those. Photographs are then other crops of the same files: the training split has no others."""


@dataclass(frozen=True)
class Pictures:
    """Training pictures and clips of a run, as bytes."""

    stills: Tensor
    """[N, 3, CANVAS_PX, CANVAS_PX] uint8"""
    large: Tensor
    """[M, 3, LARGE_PX, LARGE_PX] uint8"""
    clips: Tensor
    """[K, FRAMES, 3, CANVAS_PX, CANVAS_PX] uint8"""
    fingerprints: dict[str, str]

    def draw(self, generator: torch.Generator, count: int, side_px: int) -> Tensor:
        """Squares of stills in [-1, 1], one in four from a large one. [count, 3, 1, side_px, side_px]"""
        source = self.large if float(torch.rand((), generator=generator)) < 0.25 else self.stills
        return _squares(source.unsqueeze(1), generator, count, side_px)

    def draw_clips(self, generator: torch.Generator, count: int, side_px: int) -> Tensor:
        """Squares of clips in [-1, 1]. [count, 3, FRAMES, side_px, side_px]"""
        return _squares(self.clips, generator, count, side_px)


@dataclass(frozen=True)
class HeldSet:
    """Pictures that a round trip is judged by."""

    clips: Tensor
    """[B, T, 3, H_px, W_px] in [0, 1]"""
    masks: list[Tensor] | None
    groups: list[str]
    mean_picture: Tensor
    """Of training pictures. [3, H_px, W_px]"""
    fingerprint: str


def build_pictures(seed: int, share: float = 1.0) -> Pictures:
    """Draw the training pictures of a seed; ``share`` below 1 takes fewer of each, for a trial.

    Raises:
        DataError: if an installed package ships without its pictures.
    """
    stills: list[Tensor] = []
    large: list[Tensor] = []
    clips: list[Tensor] = []
    fingerprints: dict[str, str] = {}
    for name, (maker, count, larger) in STILLS.items():
        for into, many, side in ((stills, count, CANVAS_PX), (large, larger, LARGE_PX)):
            if many:
                held = maker(DataRequest("train", max(2, round(many * share)), seed, canvas_px=side))
                into += [_bytes(held[index].clip[0]) for index in range(len(held))]
                fingerprints[f"{name}_{side}"] = held.fingerprint
    for name, (maker, count) in CLIPS.items():
        moving = maker(DataRequest("train", max(2, round(count * share)), seed, canvas_px=CANVAS_PX, frames=FRAMES))
        clips += [_bytes(moving[index].clip) for index in range(len(moving))]
        fingerprints[name] = moving.fingerprint
    return Pictures(torch.stack(stills), torch.stack(large), torch.stack(clips), fingerprints)


def held_sets(
    split: Literal["train", "test"], seed: int, stills: int, clips: int, *, for_mean: int = 32
) -> dict[str, HeldSet]:
    """Pictures of every set, beside the mean picture of so many training pictures of seed 0."""
    makers: dict[str, tuple[Any, int, int | None]] = {
        name: (maker, stills, None) for name, (maker, _, _) in STILLS.items()
    }
    makers |= {name: (maker, clips, FRAMES) for name, (maker, _) in CLIPS.items()}
    found = {}
    for name, (maker, count, frames) in makers.items():
        held = maker(DataRequest(split, count, seed, canvas_px=CANVAS_PX, frames=frames))
        samples = [held[index] for index in range(len(held))]
        known = maker(DataRequest("train", for_mean if frames is None else 6, 0, canvas_px=CANVAS_PX, frames=frames))
        mean = torch.stack([known[index].clip.mean(0) for index in range(len(known))]).mean(0)
        masks = None if samples[0].masks is None else [sample.masks for sample in samples]
        groups = [sample.group for sample in samples]
        found[name] = HeldSet(torch.stack([sample.clip for sample in samples]), masks, groups, mean, held.fingerprint)
    return found


def _squares(source: Tensor, generator: torch.Generator, count: int, side_px: int) -> Tensor:
    """[N, T, 3, H_px, W_px] uint8 -> [count, 3, T, side_px, side_px] in [-1, 1]"""
    cut = []
    for _ in range(count):
        clip = source[int(torch.randint(len(source), (), generator=generator))]
        top, left = (int(torch.randint(limit - side_px + 1, (), generator=generator)) for limit in clip.shape[-2:])
        cut.append(clip[:, :, top : top + side_px, left : left + side_px])
    return mirrored((torch.stack(cut).float() / 127.5 - 1).transpose(1, 2), generator)


def _bytes(pixels: Tensor) -> Tensor:
    return (pixels * 255).round().to(torch.uint8)
