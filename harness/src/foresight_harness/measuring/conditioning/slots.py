"""Streams of unequal temporal strides, brought to the slots of the coarsest before they are fused.

A model that reads every frame by itself and one that reads two frames as one slot see the same clip on unequal grids
in time. The finer one is averaged over the frames of each slot of the coarser one; nothing is made up in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from foresight_harness.contracts.specs import GridShape


def common_slots(frames: Sequence[int]) -> int | None:
    """Slots that all streams have once finer ones are averaged; None where they cannot be brought together.

    Args:
        frames: Temporal slots of each stream, of one clip.
    """
    fewest = min(frames)
    together = all(-(-count // -(-count // fewest)) == fewest for count in frames)
    return fewest if together else None


def in_common_slots(shapes: Sequence[GridShape]) -> list[GridShape]:
    """Shapes of the streams as a fusion receives them; unchanged where they cannot be brought together."""
    slots = common_slots([shape.frames for shape in shapes])
    return [shape if slots is None else replace(shape, frames=slots) for shape in shapes]


def averaged_in_slots(streams: Sequence[Tensor]) -> list[Tensor]:
    """Each stream averaged over the frames of the coarsest one's slots, the last slot over what is left.

    Args:
        streams: One grid each. [b, T_i, H_i, W_i, C_i]

    Returns:
        Grids of equal ``T``; the very tensors where they were equal, or cannot be brought together.
    """
    slots = common_slots([grid.shape[1] for grid in streams])
    return [grid if slots is None else _averaged(grid, slots) for grid in streams]


def _averaged(grid: Tensor, slots: int) -> Tensor:
    frames = grid.shape[1]
    if frames == slots:
        return grid
    each = -(-frames // slots)
    whole = (frames // each) * each
    parts = grid[:, :whole].reshape(len(grid), whole // each, each, *grid.shape[2:]).mean(2)
    if whole == frames:
        return parts
    return torch.cat([parts, grid[:, whole:].mean(1, keepdim=True)], 1)
