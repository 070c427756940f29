"""``dense_ridge``, the primary probe: where does each token say an object is?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from foresight_harness.contracts.batches import GridBatches, Labels
from foresight_harness.contracts.errors import FitError
from foresight_harness.contracts.pairing import placed
from foresight_harness.contracts.probes import Detections
from foresight_harness.parts.closed_form import LAMBDAS, RidgeFit, RidgeSums
from foresight_harness.parts.probes.boxes import Floats, mean_box_floor, true_boxes
from foresight_harness.parts.probes.map_reader import MapReader
from foresight_harness.parts.probes.targets import last_coverage, require_grid, require_same_grid
from foresight_harness.parts.probes.tokens import LastSlots


class DenseRidge:
    """Object coverage of each token by closed-form ridge, boxes from the predicted map.

    Deterministic, without learning rate or schedule, and monotone when information about place is taken away. A token
    is read alone: what it says about its own cell is all that counts, so position codes cannot stand in for content.
    Of a clip the last temporal slot is read against the last frame's coverage, because boxes are the last frame's.
    """

    name = "dense_ridge"
    max_objects: int | None = None

    def __init__(self) -> None:
        self._fit: RidgeFit | None = None
        self._reader: MapReader | None = None
        self._grid = (0, 0, 0)

    def choices(self) -> dict[str, object]:
        """See Probe."""
        return {
            "probe": "dense_ridge/1",
            "target": "coverage of the last frame",
            "slot": "last",
            "lambdas": list(LAMBDAS),
            "lambda_by": "gcv",
            **MapReader.choices(),
        }

    def fit(self, features: GridBatches, labels: Labels, seed: int) -> None:
        """See Probe; closed form, so ``seed`` changes nothing."""
        shape = require_grid(self.name, features, labels)
        self._grid = (shape.rows, shape.cols, shape.width)
        coverage = last_coverage(labels, shape.rows, shape.cols)
        slots = LastSlots(features)
        self._fit = _summed(slots, shape.width, coverage).solve()
        self._reader = MapReader(mean_box_floor(labels))
        self._reader.fit(self._maps(slots), coverage.double().numpy(), true_boxes(labels))

    def predict(self, features: GridBatches, counts: Sequence[int]) -> list[Detections]:
        """See Probe."""
        if self._reader is None:
            raise FitError(f"probe {self.name}: predict before fit")
        require_same_grid(self.name, features, self._grid)
        return self._reader.read(self._maps(LastSlots(features, passes=1)), counts)

    @property
    def map_fit(self) -> RidgeFit:
        """The fitted map from a token to the share of its cell that objects cover. Raises: FitError before ``fit``."""
        if self._fit is None:
            raise FitError(f"probe {self.name}: nothing is fitted yet")
        return self._fit

    @property
    def threshold(self) -> float | None:
        """Coverage above which cells belong to an object; None where the constant box answers for every map."""
        return None if self._reader is None else self._reader.threshold

    def _maps(self, slots: LastSlots) -> Floats:
        """Predicted coverage. [B, H, W]"""
        if self._fit is None:
            raise FitError(f"probe {self.name}: predict before fit")
        return stacked([self._fit.predict(slot)[..., 0] for slot in slots])


def _summed(slots: LastSlots, width: int, coverage: Tensor) -> RidgeSums:
    """Moments of all tokens of the last slots and their coverage [B, H, W], a batch at a time."""
    sums = RidgeSums(width, 1)
    for place, slot in placed("probe dense_ridge", slots, len(coverage)):
        sums.update(slot.flatten(0, 2), coverage[place].reshape(-1, 1))
    return sums


def stacked(maps: list[Tensor]) -> Floats:
    """Maps of consecutive batches as one array. [B, H, W] float64"""
    return np.asarray(torch.cat(maps).double().cpu().numpy())
