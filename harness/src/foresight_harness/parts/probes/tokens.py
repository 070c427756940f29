"""Features of trained probes: the last slot in memory, every channel brought to one scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from foresight_harness.contracts.batches import GridBatches
from foresight_harness.contracts.errors import FitError

CONSTANT = 1e-6
"""A channel whose spread is below this share of its mean is constant: what varies is the rounding of float32."""

HELD_BYTES = 2**27
"""Of one split that are kept for a second pass: 128 pictures of 16x16 cells with 1,024 channels."""


class Standard(NamedTuple):
    """Mean and spread of each channel on the train split."""

    mean: Tensor
    """[C]"""
    scale: Tensor
    """1 over the spread; 0 for constant channels. [C]"""

    def __call__(self, tokens: Tensor) -> Tensor:
        """Channels with mean 0 and spread 1 on the train split. [..., C]"""
        return (tokens - self.mean.to(tokens)) * self.scale.to(tokens)


class LastSlots:
    """Tokens of the last temporal slots, batch by batch, as often as they are asked for. [b, H, W, C] float32

    A small split is held, so that a second pass does not send it through enhancer and fusion again; a large one streams
    anew, so that memory does not grow with the data set.

    Args:
        features: Of one split.
        passes: How often they will be read; nothing is held for one pass.
    """

    def __init__(self, features: GridBatches, passes: int = 2) -> None:
        shape = features.shape
        self._features = features
        held = passes > 1 and 4 * len(features) * shape.rows * shape.cols * shape.width <= HELD_BYTES
        self._held = [slot.contiguous() for slot in self._stream()] if held else None

    def __iter__(self) -> Iterator[Tensor]:
        return self._stream() if self._held is None else iter(self._held)

    def _stream(self) -> Iterator[Tensor]:
        return (batch[:, -1] for batch in self._features)


def last_slots(features: GridBatches) -> Tensor:
    """Tokens of the last temporal slot of every sample, in memory. [B, H, W, C] float32"""
    return torch.cat([batch[:, -1] for batch in features])


def standard_of(probe: str, tokens: Tensor) -> Standard:
    """Mean and spread of each channel. [..., C]

    Raises:
        FitError: if a value is not finite.
    """
    return _standard(probe, lambda: iter([tokens]))


def streamed_standard(probe: str, features: GridBatches) -> Standard:
    """Mean and spread of each channel over the last slots, in two passes that keep no token. Raises: FitError."""
    return _standard(probe, lambda: (batch[:, -1] for batch in features))


def _standard(probe: str, blocks: Callable[[], Iterator[Tensor]]) -> Standard:
    sums, count = torch.zeros((), dtype=torch.float64), 0
    for block in blocks():
        sums = sums.to(block.device) + block.flatten(0, -2).sum(0, dtype=torch.float64)
        count += block[..., 0].numel()
    mean = sums / count
    squares = torch.zeros_like(mean)
    for block in blocks():
        squares += (block - mean.to(block)).square_().flatten(0, -2).sum(0, dtype=torch.float64)
    spread = (squares / count).sqrt()
    if not (torch.isfinite(mean).all() and torch.isfinite(spread).all()):
        raise FitError(f"probe {probe}: features are not finite. Try --dtype float32.")
    alive = (spread > CONSTANT * mean.abs()) & (spread > 0)
    return Standard(mean, torch.where(alive, 1 / spread, torch.zeros_like(spread)))
