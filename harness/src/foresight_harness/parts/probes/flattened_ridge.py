"""``flattened_ridge``: one box as a linear function of the whole grid, solved in closed form. For the audit."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_harness.contracts.batches import GridBatches, Labels
from foresight_harness.contracts.errors import FitError
from foresight_harness.contracts.probes import Detections
from foresight_harness.parts.closed_form import LAMBDAS, RidgeFit, ridge_dual
from foresight_harness.parts.probes.box_loss import centred, corners
from foresight_harness.parts.probes.boxes import mean_box_floor
from foresight_harness.parts.probes.single_box import filled, largest_objects
from foresight_harness.parts.probes.targets import require_grid, require_same_grid

HELD_BYTES = 2**30
"""Of the train split's flattened grids in float64: larger ones are averaged over blocks of 2x2 cells until they fit."""


class FlattenedRidge:
    """Centre and size of the largest object by ridge from all tokens of the last slot at once.

    Every place has weights of its own, so the probe is not blind; but it has far more weights than pictures and a box
    is no linear function of a mask, so it is weak: a perfect mask scores 0.2 to 0.4. Deterministic, no schedule.
    """

    name = "flattened_ridge"
    max_objects: int | None = 1

    def __init__(self) -> None:
        self._fit: RidgeFit | None = None
        self._constant = torch.empty(0)
        self._grid, self._block = (0, 0, 0), 1

    def choices(self) -> dict[str, object]:
        """See Probe."""
        return {
            "probe": "flattened_ridge/1",
            "target": "centre and size of the largest object of the last frame",
            "slot": "last",
            "lambdas": list(LAMBDAS),
            "lambda_by": "leave-one-out",
            "averaged": f"over blocks of cells until the train split holds {HELD_BYTES} bytes",
            "fill": "constant box at score 0",
        }

    def fit(self, features: GridBatches, labels: Labels, seed: int) -> None:
        """See Probe; closed form, so ``seed`` changes nothing."""
        shape = require_grid(self.name, features, labels)
        self._grid = (shape.rows, shape.cols, shape.width)
        self._block = block_of(len(features), shape.rows, shape.cols, shape.width)
        some, boxes = largest_objects(labels)
        if len(some) < 2:
            raise FitError(f"probe {self.name} needs at least 2 train samples with an object, got {len(some)}")
        rows = self._rows(features)
        self._fit = ridge_dual(rows[some.to(rows.device)], centred(boxes).to(rows.device))
        self._constant = torch.from_numpy(mean_box_floor(labels)).float()

    def predict(self, features: GridBatches, counts: Sequence[int]) -> list[Detections]:
        """See Probe."""
        if self._fit is None:
            raise FitError(f"probe {self.name}: predict before fit")
        require_same_grid(self.name, features, self._grid)
        said = self._fit.predict(self._rows(features)).cpu()
        said[:, 2:] = said[:, 2:].clamp(min=0)
        return [
            filled(Detections(box[None], torch.ones(1)), count, self._constant)
            for box, count in zip(corners(said).clamp(0, 1), counts, strict=True)
        ]

    def _rows(self, features: GridBatches) -> Tensor:
        """All tokens of each sample's last slot in one row. [B, rows * cols * C]"""
        return torch.cat([averaged(batch[:, -1], self._block).flatten(1) for batch in features])


def block_of(samples: int, rows: int, cols: int, width: int) -> int:
    """Side of the blocks of cells that are averaged, 1 where the split is small enough as it is."""
    block = 1
    while 8 * samples * -(-rows // block) * -(-cols // block) * width > HELD_BYTES and block < min(rows, cols):
        block *= 2
    return block


def averaged(tokens: Tensor, block: int) -> Tensor:
    """Means over blocks of cells; what is left over at an edge is a smaller block. [b, H, W, C] -> [b, H', W', C]"""
    if block == 1:
        return tokens
    pooled = F.avg_pool2d(tokens.permute(0, 3, 1, 2), block, ceil_mode=True, count_include_pad=False)
    return pooled.permute(0, 2, 3, 1)
