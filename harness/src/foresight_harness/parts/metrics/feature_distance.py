"""Distance of two clips' features, place by place, in units of what each channel varies by."""

from __future__ import annotations

import torch
from torch import Tensor

from foresight_harness.contracts.batches import SampleBatches
from foresight_harness.contracts.devices import in_double
from foresight_harness.contracts.errors import DataError

CONSTANT = 1e-6
"""A channel whose spread is below this share of its size is constant, and tells nothing apart."""


def channel_spread(batches: SampleBatches) -> Tensor:
    """Standard deviation of each channel over samples, slots and places; 0 where it is constant. [C] float64

    Args:
        batches: Of grids [b, T, H, W, C].
    """
    count, total, squares = 0, torch.zeros(()), torch.zeros(())
    for block in batches:
        rows = in_double(block.reshape(-1, block.shape[-1]))
        count, total, squares = count + len(rows), total + rows.sum(0), squares + rows.square().sum(0)
    mean = total / count
    spread = (squares / count - mean.square()).clamp(min=0).sqrt()
    return torch.where(spread > CONSTANT * (squares / count).sqrt(), spread, torch.zeros_like(spread))


def feature_distance(first: Tensor, second: Tensor, spread: Tensor) -> Tensor:
    """Root mean square of the difference over slots, places and channels, each channel in units of its spread.

    Args:
        first: [b, T, H, W, C]
        second: [b, T, H, W, C]
        spread: Of each channel, over clips of another split; channels with 0 are left out. [C]

    Returns:
        From 0; 0 everywhere where no channel varies. [b] float64

    Raises:
        DataError: where shapes differ.
    """
    if first.shape != second.shape or spread.shape != first.shape[-1:]:
        shapes = tuple(first.shape), tuple(second.shape), tuple(spread.shape)
        raise DataError(
            f"features of shapes {shapes[0]} and {shapes[1]} with spreads of {shapes[2]}: equal ones are wanted"
        )
    alive = spread > 0
    if not bool(alive.any()):
        return torch.zeros(len(first), dtype=torch.float64)
    apart = (in_double(first[..., alive]) - in_double(second[..., alive])) / spread[alive]
    return apart.square().flatten(1).mean(1).sqrt()
