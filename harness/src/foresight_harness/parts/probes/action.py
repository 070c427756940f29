"""``action_*``: what happens in a clip, one of the actions that its set names? Read from pooled or ordered slots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_harness.contracts.batches import GridBatches
from foresight_harness.contracts.errors import FitError, GridError
from foresight_harness.contracts.outcomes import Values
from foresight_harness.contracts.pairing import placed
from foresight_harness.contracts.specs.grid_shape import GridShape
from foresight_harness.parts.closed_form import LAMBDAS
from foresight_harness.parts.closed_form.ridge import RidgeFit, ridge_dual
from foresight_harness.parts.datasets.identity import stream
from foresight_harness.parts.probes.motion import MotionDescriptor, MotionProbe

PLACES = 4
"""Places along a side that tokens are averaged to: a linear readout of where something was needs some of them, and of
more a few hundred clips say nothing."""
CHANNELS = 32
"""Wider tokens are projected to that many channels; a seeded projection keeps products in expectation."""
SEED = 0
POOLED, ORDERED, SHUFFLED = "action_pooled", "action_ordered", "action_shuffled"
VIEWS: Mapping[str, str] = {
    POOLED: "places, mean over slots",
    ORDERED: "places, slots side by side; motion_correlation",
    SHUFFLED: "places, slots side by side; motion_correlation; slots in a random order for each clip",
}
"""What a probe reads of a clip. The gain of ordered over shuffled slots is what their order says; what pooled slots say
can be seen in the things that are shown."""


class ActionProbe:
    """Ridge classification of a clip's places over time, to which that of its motion is added; closed form.

    Two fits whose answers are added, not one: 50 numbers of motion would drown in thousands of places. Of a
    perfect mask on 40 clips of ``moving_shapes`` places alone tell 0.28 of eight directions, motion 0.98.
    """

    def __init__(self, name: str) -> None:
        """``name`` of ``VIEWS``."""
        self.name = name
        self._fits: list[RidgeFit] = []
        self._motion = MotionDescriptor()
        self._classes: tuple[str, ...] = ()
        self._size = (0, 0)

    def choices(self) -> dict[str, Any]:
        """Everything that decides what the number means."""
        return {
            "probe": f"{self.name}/1",
            "reads": VIEWS[self.name],
            "places": PLACES,
            "channels": CHANNELS,
            "projection_seed": SEED,
            "lambdas": list(LAMBDAS),
            "lambda_by": "leave-one-out",
            **({} if self.name == POOLED else {"motion": MotionProbe().choices()["probe"]}),
        }

    @property
    def classes(self) -> tuple[str, ...]:
        """Actions of the train split, sorted; fewer than two cannot be told apart."""
        return self._classes

    def fit(self, features: GridBatches, ids: Sequence[str], actions: Sequence[str | None]) -> None:
        """Fit to the train split.

        Args:
            features: Grids of the clips.
            ids: Names of the clips: the random order of slots follows from them. [B]
            actions: What happens in each, None where it is not known. [B]

        Raises:
            GridError: for token sets, or numbers of clips that differ.
            FitError: if fewer than two actions are known.
        """
        self._size = (features.shape.frames, features.shape.width)
        known = [index for index, action in enumerate(actions) if action is not None]
        self._classes = tuple(sorted({str(actions[index]) for index in known}))
        if len(self._classes) < 2:
            raise FitError(f"probe {self.name}: {len(self._classes)} action(s) in the train split; two are needed")
        shown = self._shown(features, ids, len(actions))
        if self.name != POOLED:
            self._motion.fit(shown)
        wanted = torch.tensor([self._classes.index(str(actions[index])) for index in known])
        targets = F.one_hot(wanted, len(self._classes)).double()
        self._fits = [ridge_dual(rows[known], targets) for rows in self._rows(shown)]

    def predict(self, features: GridBatches, ids: Sequence[str]) -> list[str]:
        """The likeliest action of each clip. Raises: FitError before ``fit``, GridError for other grids. [B]"""
        if not self._fits:
            raise FitError(f"probe {self.name}: predict before fit")
        if (features.shape.frames, features.shape.width) != self._size:
            raise GridError(f"probe {self.name}: fitted to {self._size} slots and channels, given {features.shape}")
        rows = self._rows(self._shown(features, ids, len(ids)))
        scores = [fit.predict(one) for fit, one in zip(self._fits, rows, strict=True)]
        return [self._classes[int(index)] for index in torch.stack(scores).sum(0).argmax(1)]

    def _shown(self, features: GridBatches, ids: Sequence[str], count: int) -> GridBatches:
        """The clips as they are, or with their slots in random orders."""
        if features.shape.is_set:
            raise GridError(f"probe {self.name} reads places, and a token set ({features.shape}) has none")
        if not len(features) == len(ids) == count:
            raise GridError(f"probe {self.name}: {len(features)} clips, {len(ids)} names, {count} actions")
        return _OutOfOrder(features, tuple(ids)) if self.name == SHUFFLED else features

    def _rows(self, shown: GridBatches) -> list[Tensor]:
        """One row a clip, of places and of motion. [B, d] float64 each"""
        places = torch.cat([_places(batch) for batch in shown])
        if self.name == POOLED:
            return [places.mean(1).flatten(1).double()]
        return [places.flatten(1).double(), self._motion.of(shown)]


@dataclass(frozen=True)
class _OutOfOrder:
    """Grids whose slots stand in an order that follows from each clip's name."""

    features: GridBatches
    ids: tuple[str, ...]

    @property
    def shape(self) -> GridShape:
        """Of one clip."""
        return self.features.shape

    def __len__(self) -> int:
        return len(self.features)

    def __iter__(self) -> Iterator[Tensor]:
        for place, batch in placed("clips out of order", self.features, len(self.ids)):
            slots = batch.shape[1]
            orders = torch.tensor(np.array([stream("slots/1", id).permutation(slots) for id in self.ids[place]]))
            yield batch[torch.arange(len(batch))[:, None], orders]


def _places(batch: Tensor) -> Tensor:
    """Few channels at few places. [b, T, H, W, C] -> [b, T, PLACES ** 2 * C']"""
    clips, slots, _, _, width = batch.shape
    if width > CHANNELS:
        drawn = torch.randn(width, CHANNELS, generator=torch.Generator().manual_seed(SEED))
        batch = batch @ (drawn / CHANNELS**0.5)
    pooled = F.adaptive_avg_pool2d(batch.flatten(0, 1).permute(0, 3, 1, 2), PLACES)
    return pooled.reshape(clips, slots, -1)


def right_answers(found: Sequence[str], wanted: Sequence[str | None]) -> Values:
    """1 where the action is told right, 0 where not, NaN where it is not known. [B]"""
    return np.array([np.nan if true is None else float(true == one) for true, one in zip(wanted, found, strict=True)])


def balanced(right: Values, wanted: Sequence[str | None]) -> Values:
    """Right answers weighted so that their mean is that of the actions' own shares: a rare action counts as much as a
    common one. [..., B] -> [..., B]"""
    counts = {action: wanted.count(action) for action in wanted if action is not None}
    known = sum(counts.values())
    weights = np.array([np.nan if one is None else known / (len(counts) * counts[one]) for one in wanted])
    weighted: Values = right * weights
    return weighted
