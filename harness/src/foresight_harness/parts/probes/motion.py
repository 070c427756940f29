"""``motion_correlation``: which way did things move, and in which order? Read from how a clip's tokens move."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_harness.contracts.batches import GridBatches
from foresight_harness.contracts.errors import FitError, GridError
from foresight_harness.parts.closed_form import LAMBDAS
from foresight_harness.parts.closed_form.ridge import RidgeFit, ridge_dual

REACH = 2
"""Farthest shift that is looked at, in tokens along rows and along columns."""
LAGS = (1, 2)
"""Slots between the two that are compared."""
CHANNELS = 32
"""Wider tokens are projected to that many channels; a seeded projection keeps products in expectation."""
SEED = 0
CONSTANT = 1e-6
"""A channel whose change over time is below this share of the largest one's does not change: it is left out."""


class MotionDescriptor:
    """How alike a clip is to itself, shifted in space and time: 25 shifts at two lags a clip.

    From every place its mean over time is taken first: what stands still, background and position codes included, is
    gone, and a clip whose tokens never change has a descriptor of zeros. What is left is compared with itself some
    tokens aside and some slots later, summed over all places and divided by its own size, so that it does not matter
    where or how strongly something moves. No single frame is read: a place alone says nothing.
    """

    def __init__(self) -> None:
        self._weight: Tensor | None = None

    def fit(self, features: GridBatches) -> None:
        """Measure how much each channel changes over time, so that none dominates by its scale."""
        shape = features.shape
        if shape.is_set:
            raise GridError(f"probe motion_correlation reads places, and a token set ({shape}) has none")
        if shape.frames < 1 + max(LAGS):
            raise GridError(
                f"probe motion_correlation needs at least {1 + max(LAGS)} temporal slots, got {shape.frames}: "
                "score clips of more frames"
            )
        squares, count = torch.zeros(shape.width, dtype=torch.float64), 0
        for batch in features:
            changes = batch - batch.mean(1, keepdim=True)
            squares += changes.square().sum((0, 1, 2, 3)).double()
            count += batch.shape[:4].numel()
        deviation = (squares / count).sqrt().float()
        kept = deviation > CONSTANT * deviation.max()
        scale = torch.where(kept, 1 / torch.where(kept, deviation, 1.0), 0.0)
        if shape.width <= CHANNELS:
            self._weight = torch.diag(scale)
        else:
            drawn = torch.randn(shape.width, CHANNELS, generator=torch.Generator().manual_seed(SEED))
            self._weight = scale[:, None] * drawn / CHANNELS**0.5

    def of(self, features: GridBatches) -> Tensor:
        """One row a clip. [B, len(LAGS) * (2 * REACH + 1) ** 2] float64"""
        if self._weight is None:
            raise FitError("probe motion_correlation: predict before fit")
        if features.shape.width != len(self._weight):
            raise GridError(f"fitted to tokens {len(self._weight)} wide, given {features.shape.width}")
        return torch.cat([self._rows(batch @ self._weight) for batch in features])

    def _rows(self, tokens: Tensor) -> Tensor:
        changes = tokens - tokens.mean(1, keepdim=True)
        rows, cols = changes.shape[2:4]
        size = changes.square().mean(1).sum((1, 2, 3)).double()
        found = []
        for lag in LAGS:
            now, later = changes[:, :-lag], changes[:, lag:]
            for down in range(-REACH, REACH + 1):
                for right in range(-REACH, REACH + 1):
                    here, there = _overlap(rows, down), _overlap(cols, right)
                    product = now[:, :, here[0], there[0]] * later[:, :, here[1], there[1]]
                    found.append(product.mean(1).sum((1, 2, 3)).double())
        table = torch.stack(found, 1)
        # Rounding of a clip that does not change must not look like motion.
        still = size <= CONSTANT * tokens.square().mean(1).sum((1, 2, 3)).double()
        return torch.where(still[:, None], 0.0, table / size.clamp(min=1e-30)[:, None])


def _overlap(length: int, shift: int) -> tuple[slice, slice]:
    """Where a line of cells and the same line ``shift`` cells further on both exist."""
    return slice(max(0, -shift), length - max(0, shift)), slice(max(0, shift), length - max(0, -shift))


class MotionProbe:
    """Direction by ridge classification of the descriptor, order by ridge between a clip and its reordered self."""

    name = "motion_correlation"

    def __init__(self) -> None:
        self._descriptor = MotionDescriptor()
        self._direction: RidgeFit | None = None
        self._order: RidgeFit | None = None
        self._classes: tuple[int, ...] = ()

    def choices(self) -> dict[str, Any]:
        """Everything that decides what the number means."""
        return {
            "probe": "motion_correlation/1",
            "reach": REACH,
            "lags": list(LAGS),
            "channels": CHANNELS,
            "projection_seed": SEED,
            "lambdas": list(LAMBDAS),
            "lambda_by": "leave-one-out",
        }

    def fit(self, features: GridBatches, reordered: GridBatches, directions: Sequence[int | None]) -> None:
        """Fit to the train split; closed form.

        Args:
            features: Grids of clips as they happened.
            reordered: Grids of the same clips with two neighbouring frames exchanged.
            directions: Direction of each clip, None where it is not known. [B]

        Raises:
            GridError: for token sets, too few slots, or counts that disagree.
        """
        if not len(features) == len(reordered) == len(directions):
            raise GridError(f"{len(features)} clips, {len(reordered)} reordered ones, {len(directions)} directions")
        self._descriptor.fit(features)
        right, wrong = self._descriptor.of(features), self._descriptor.of(reordered)
        sides = torch.cat([torch.ones(len(right)), -torch.ones(len(wrong))])
        self._order = ridge_dual(torch.cat([right, wrong]), sides[:, None])
        known = [index for index, direction in enumerate(directions) if direction is not None]
        self._classes = tuple(sorted({int(directions[index] or 0) for index in known}))
        if len(self._classes) < 2:
            self._direction = None
            return
        wanted = torch.tensor([self._classes.index(int(directions[index] or 0)) for index in known])
        self._direction = ridge_dual(right[known], F.one_hot(wanted, len(self._classes)).double())

    @property
    def classes(self) -> tuple[int, ...]:
        """Directions that the train split shows, in ascending order; fewer than two cannot be told apart."""
        return self._classes

    def directions(self, features: GridBatches) -> list[int]:
        """The likeliest direction of each clip. [B]"""
        if self._direction is None:
            raise FitError("probe motion_correlation: no two directions were fitted")
        best = self._direction.predict(self._descriptor.of(features)).argmax(1)
        return [self._classes[int(index)] for index in best]

    def in_order(self, features: GridBatches, reordered: GridBatches) -> Tensor:
        """Whether each clip as it happened looks more orderly than with two frames exchanged: 1, 0, or 0.5 where the
        two look alike. [B] float64"""
        if self._order is None:
            raise FitError("probe motion_correlation: predict before fit")
        right, wrong = (self._order.predict(self._descriptor.of(one))[:, 0] for one in (features, reordered))
        return torch.where(right == wrong, 0.5, (right > wrong).double())


def chance(directions: Iterable[int | None]) -> float:
    """Share of the commonest direction: what the best constant answer scores. NaN where none is known."""
    known = [direction for direction in directions if direction is not None]
    return max((known.count(one) for one in set(known)), default=0) / len(known) if known else float("nan")
