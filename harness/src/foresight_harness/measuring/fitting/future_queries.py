"""Queries for what comes next: one a latent cell, solved in closed form from the frames that were seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from foresight_harness.contracts.batches import GridBatches
from foresight_harness.contracts.devices import in_double
from foresight_harness.contracts.pairing import paired
from foresight_harness.measuring.fitting.adapters import PLACINGS, cells_joined
from foresight_harness.parts.closed_form import RidgeFit, RidgeSums
from foresight_harness.parts.closed_form.moving_layer import Layers, layers, shifted, velocities

WIDTH = 64
"""Principal directions of the tokens that are read: four 14 px patches of raw pixels hold fewer that differ."""
MOTION_WIDTH = 8
"""Of these, the strongest, in which motion is looked for."""
AT_ONCE = 8
"""Clips in memory together."""
VARIANT = "one velocity a clip, moving and still layer, ridge a cell/1"


@dataclass(frozen=True)
class Reduction:
    """Standardised tokens in their principal directions."""

    mean: Tensor
    """[C]"""
    basis: Tensor
    """Directions over the spread of each channel. [C, K]"""

    def __call__(self, tokens: Tensor) -> Tensor:
        """[b, T, H, W, C] -> [b, T, K, H, W]"""
        return ((tokens.float() - self.mean) @ self.basis).permute(0, 1, 4, 2, 3)


def reduction_of(grids: GridBatches, width: int = WIDTH) -> Reduction:
    """Principal directions of all tokens of a split; channels that do not vary are left out.

    Args:
        grids: [b, T, H, W, C] a batch.
        width: Directions that are kept at most.
    """
    count, total, products = 0, torch.zeros(()), torch.zeros(())
    for block in grids:
        rows = in_double(block.reshape(-1, block.shape[-1]))
        count, total, products = count + len(rows), total + rows.sum(0), products + rows.T @ rows
    mean = total / count
    covariance = products / count - torch.outer(mean, mean)
    spread = covariance.diagonal().clamp(min=0).sqrt()
    scale = torch.where(spread > 1e-6 * (mean.abs() + spread), 1 / spread.clamp(min=1e-12), torch.zeros_like(spread))
    _, vectors = torch.linalg.eigh(covariance * torch.outer(scale, scale))
    return Reduction(mean.float(), (scale[:, None] * vectors.flip(1)[:, :width]).float())


@dataclass(frozen=True)
class FutureQueries:
    """For each horizon a map from what a query reads to the latent of its cell.

    The query of a cell reads the token that will have come to its place if what moves goes on as it did, and where none
    will, the one that stands there. What moves and how fast is found in the clip itself (``moving_layer``).
    """

    reduction: Reduction
    maps: Mapping[int, RidgeFit]
    """By frames ahead."""
    latent: tuple[int, int]
    """Rows and columns of the latents."""
    frames: int
    """Frames of the clips that were seen."""

    @property
    def params(self) -> int:
        """Fitted numbers of all horizons."""
        return sum(one.params for one in self.maps.values())

    def parted(self, tokens: Tensor) -> Layers:
        """Layers of clips as the last seen slot shows them. [b, T, H, W, C]"""
        return parted(self.reduction(tokens), self.frames)

    def predict(self, found: Layers, slots: int, horizon: int) -> Tensor:
        """Latents of the frame that many frames ahead. -> [b, 1, H', W', channels]

        Args:
            found: Of the clips.
            slots: Temporal slots of their grids.
            horizon: Frames ahead of the last one seen.
        """
        return self.maps[horizon].predict(read(found, horizon + lag(slots, self.frames), self.latent))


def fit_queries(
    seen: GridBatches, future: Mapping[int, GridBatches], frames: int, latent: tuple[int, int]
) -> FutureQueries:
    """Fit the queries of every horizon.

    Args:
        seen: Conditioning of the training clips' first frames.
        future: The decoder's latents of one later frame of the same clips, by frames ahead. [b, 1, H', W', channels]
        frames: Frames that were seen.
        latent: Rows and columns of the latents.

    Raises:
        GridError: where the two are not of the same samples in the same order.
    """
    reduction = reduction_of(seen)
    high, wide = cells_joined((seen.shape.rows, seen.shape.cols), latent)
    width = reduction.basis.shape[1] * high * wide
    sums = {horizon: RidgeSums(width, latents.shape.width) for horizon, latents in future.items()}
    late = lag(seen.shape.frames, frames)
    order: Sequence[int] = tuple(future)
    for block, *targets in paired("fit of queries for later frames", seen, *(future[horizon] for horizon in order)):
        found = parted(reduction(block), frames)
        for horizon, target in zip(order, targets, strict=True):
            rows = read(found, horizon + late, latent)
            sums[horizon].update(rows.reshape(-1, width), target.reshape(-1, target.shape[-1]))
    maps = {horizon: one.solve() for horizon, one in sums.items()}
    return FutureQueries(reduction, maps, latent, frames)


def parted(tokens: Tensor, frames: int) -> Layers:
    """Layers of clips. [b, S, K, H, W]"""
    slots = tokens.shape[1]
    ages = torch.arange(slots - 1, -1, -1) * (frames / slots)
    return layers(tokens, ages, velocities(tokens[:, :, :MOTION_WIDTH], ages))


def lag(slots: int, frames: int) -> float:
    """How many frames the middle of the last slot lies before the last frame: a slot of two frames by half a one."""
    return (frames / slots - 1) / 2


def read(found: Layers, ahead: float, latent: tuple[int, int]) -> Tensor:
    """What the queries read: what comes where something does, else what stands there.

    Args:
        found: [b, K, H, W] each
        ahead: Frames from the last slot.
        latent: Rows and columns of the queries.

    Returns:
        [b, 1, H', W', K x tokens of a cell]
    """
    weight = shifted(found.matte, ahead * found.velocity, "zeros")
    comes = shifted(found.moving, ahead * found.velocity)
    tokens = weight * comes + (1 - weight) * found.still
    return PLACINGS["gathered"](tokens.permute(0, 2, 3, 1).unsqueeze(1), (1, *latent))


def choices() -> dict[str, Any]:
    """What decides the queries, for protocols."""
    return {"queries": VARIANT, "queries_width": WIDTH, "queries_motion_width": MOTION_WIDTH}
