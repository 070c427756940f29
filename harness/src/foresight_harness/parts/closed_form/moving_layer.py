"""What of a clip's tokens moves on, how fast, and what stands behind it: one velocity a clip, nothing is trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

FASTEST = 0.075
"""Sides of the picture a frame, along either axis."""
COARSE, FINE = 0.015, 0.0025
"""Steps in which velocities are tried: everywhere, then around the best."""
STRENGTH = 0.05
"""Of a clip's mean variance over time: variance below it is no motion."""

SHARPNESS = 3.0
"""Slope at which a place goes from one layer to the other: what belongs by half to either is shown twice."""


class Layers(NamedTuple):
    """The two layers of each clip as they stand in the last slot."""

    moving: Tensor
    """Tokens of the last slot. [b, C, H, W]"""
    matte: Tensor
    """How much each place belongs to what moves, in [0, 1]. [b, 1, H, W]"""
    still: Tensor
    """Mean tokens in place, where nothing that moves was before them. [b, C, H, W]"""
    velocity: Tensor
    """Rightwards and down, in sides of the picture a frame. [b, 2]"""


def shifted(grid: Tensor, by: Tensor, padding: str = "border") -> Tensor:
    """Content moved, bilinear between places.

    Args:
        grid: [b, C, H, W]
        by: Rightwards and down, in sides of the grid. [b, 2]
        padding: What comes in over the edges: ``border`` or ``zeros``.
    """
    rows, cols = grid.shape[-2:]
    ys = (torch.arange(rows) + 0.5) * 2 / rows - 1
    xs = (torch.arange(cols) + 0.5) * 2 / cols - 1
    places = torch.stack(torch.meshgrid(xs, ys, indexing="xy"), dim=-1)
    return F.grid_sample(grid, places - 2 * by[:, None, None, :], padding_mode=padding, align_corners=False)


def velocities(clips: Tensor, ages: Tensor) -> Tensor:
    """The velocity at which what varies over time agrees best with itself.

    What varies is moved on to where it would be in the last slot; of all velocities that one is taken under which the
    slots agree most, in units of what they hold. What a mover leaves in the mean over time speaks for too high a
    velocity, so it is looked for once more beside the still layer instead. Nothing is chosen where nothing varies: 0.

    Args:
        clips: [b, S, C, H, W]
        ages: Frames from each slot to the last one. [S]

    Returns:
        Sides of the picture a frame, rightwards and down. [b, 2]
    """
    varying = clips - clips.mean(1, keepdim=True)
    found = _best_around(varying, ages, clips.new_zeros(len(clips), 2), COARSE, FASTEST)
    found = _best_around(varying, ages, found, FINE, COARSE / 2)
    beside = clips - layers(clips, ages, found).still[:, None]
    refined = _best_around(beside, ages, found, FINE, COARSE / 2)
    return torch.where(found.abs().sum(1, keepdim=True) > 0, refined, found)


def layers(clips: Tensor, ages: Tensor, velocity: Tensor) -> Layers:
    """Part a clip into what moves at that velocity and what stands behind it.

    A place belongs to what moves where tokens vary less along the motion than in place, and so do its neighbours, for
    tokens at an edge hold some of what is behind it, and left there they would be a part of the still layer.

    Args:
        clips: [b, S, C, H, W]
        ages: Frames from each slot to the last one. [S]
        velocity: [b, 2]
    """
    along = torch.stack([shifted(slot, age * velocity) for slot, age in zip(clips.unbind(1), ages, strict=True)], dim=1)
    moves, stands = (
        tokens.var(dim=1, correction=0).mean(1, keepdim=True) for tokens in (along, clips)
    )  # [b, 1, H, W] each
    least = STRENGTH * stands.mean((1, 2, 3), keepdim=True) + 1e-12
    matte = F.max_pool2d(((stands - moves) / (stands + moves + least)).clamp(0, 1), 3, 1, 1)
    matte = ((matte - 0.5) * SHARPNESS + 0.5).clamp(0, 1)
    matte = torch.where(velocity.abs().sum(1)[:, None, None, None] > 0, matte, torch.zeros_like(matte))
    free = torch.stack([1 - shifted(matte, -age * velocity, "zeros") for age in ages], dim=1) + 1e-3
    still = (free * clips).sum(1) / free.sum(1)
    return Layers(clips[:, -1], matte, still, velocity)


def _best_around(varying: Tensor, ages: Tensor, centre: Tensor, step: float, reach: float) -> Tensor:
    """Of velocities on a lattice around one a clip, that of greatest agreement. [b, 2]"""
    best, score = centre.clone(), _agreement(varying, ages, centre)
    for offset in _lattice(step, reach):
        tried = centre + offset
        found = _agreement(varying, ages, tried)
        better = found > score
        best[better], score[better] = tried[better], found[better]
    return best


def _agreement(varying: Tensor, ages: Tensor, velocity: Tensor) -> Tensor:
    """Sum of products of all pairs of slots along a velocity, over the sum of their squares; 0 of nothing. [b]"""
    total, own = torch.zeros(()), torch.zeros(())
    for slot, age in zip(varying.unbind(1), ages, strict=True):
        moved = shifted(slot, age * velocity, "zeros")
        total, own = total + moved, own + moved.square().flatten(1).sum(1)
    pairs = total.square().flatten(1).sum(1) - own
    return torch.where(own > 0, pairs / own.clamp(min=1e-12), torch.zeros_like(own))


def _lattice(step: float, reach: float) -> Iterator[Tensor]:
    """Offsets up to a reach along either axis. [2] each"""
    count = round(reach / step)
    for row in range(-count, count + 1):
        for col in range(-count, count + 1):
            yield torch.tensor([col * step, row * step])
