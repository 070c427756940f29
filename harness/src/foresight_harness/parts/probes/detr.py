"""``detr``: a set-prediction head with positions, strong on several objects; and the documents' head without."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from foresight_harness.contracts.batches import GridBatches, Labels
from foresight_harness.contracts.errors import FitError
from foresight_harness.parts.probes.base import Detections
from foresight_harness.parts.probes.box_loss import GIOU_WEIGHT, L1_WEIGHT, centred, corners
from foresight_harness.parts.probes.boxes import Floats, mean_box_floor
from foresight_harness.parts.probes.detr_head import (
    CYCLES,
    HEADS,
    INNER,
    LAYERS,
    OBJECT_WEIGHT,
    SIDE,
    DetrHead,
    set_loss,
)
from foresight_harness.parts.probes.single_box import filled, seeded
from foresight_harness.parts.probes.targets import require_grid, require_same_grid
from foresight_harness.parts.probes.tokens import Standard, last_slots, standard_of
from foresight_harness.parts.training.recipe import Recipe
from foresight_harness.parts.training.trainer import Convergence, train

RECIPE = Recipe(steps=400, batch=32, losses=("focal", "l1", "giou"), learning_rate=2e-3)


class DetrProbe:
    """Class-agnostic detection by Hungarian matching.

    Args:
        name: As in the registry.
        positions: Whether tokens carry their places.
        recipe: How it is trained.
        audit_only: See Probe.
    """

    max_objects: int | None = SIDE * SIDE

    def __init__(
        self, name: str = "detr", *, positions: bool = True, recipe: Recipe = RECIPE, audit_only: bool = False
    ) -> None:
        self.name = name
        self.audit_only = audit_only
        self.convergence: Convergence | None = None
        self._positions, self._recipe = positions, recipe
        self._head: DetrHead | None = None
        self._standard: Standard | None = None
        self._constant_box: Floats = np.empty(0)
        self._grid = (0, 0, 0)

    def choices(self) -> dict[str, object]:
        """See Probe."""
        return {
            "probe": f"{self.name}/1",
            "target": "objects of the last frame",
            "slot": "last",
            "positions": self._positions,
            "queries": SIDE * SIDE,
            "layers": LAYERS,
            "inner": INNER,
            "heads": HEADS,
            "cycles": list(CYCLES),
            "object_weight": OBJECT_WEIGHT,
            "l1_weight": L1_WEIGHT,
            "giou_weight": GIOU_WEIGHT,
            "fill": "constant box at score 0",
            **self._recipe.choices(),
        }

    def fit(self, features: GridBatches, labels: Labels, seed: int) -> None:
        """See Probe."""
        shape = require_grid(self.name, features, labels)
        self._grid = (shape.rows, shape.cols, shape.width)
        self._constant_box = mean_box_floor(labels)
        tokens = last_slots(features)
        self._standard = standard_of(self.name, tokens)
        tokens = self._standard(tokens)
        targets = [centred(boxes.float()) for boxes in labels.boxes]
        head = seeded(lambda: DetrHead(shape, positions=self._positions), seed).to(tokens.device)

        def loss_of(indices: Sequence[int]) -> Tensor:
            chosen = torch.tensor(indices, device=tokens.device)
            return set_loss(head(tokens[chosen]), [targets[index] for index in indices])

        self.convergence = train(head, loss_of, len(targets), self._recipe, seed)
        self._head = head

    @torch.no_grad()
    def predict(self, features: GridBatches, counts: Sequence[int]) -> list[Detections]:
        """See Probe. All queries are returned, best first."""
        if self._head is None or self._standard is None:
            raise FitError(f"probe {self.name}: predict before fit")
        require_same_grid(self.name, features, self._grid)
        constant = torch.from_numpy(self._constant_box).float()
        found = []
        for batch in features:
            predicted = self._head(self._standard(batch[:, -1]))
            scores, order = predicted.logits.sigmoid().cpu().sort(dim=1, descending=True, stable=True)
            boxes = corners(predicted.boxes).clamp(0, 1).cpu()
            found += [Detections(box[rank], score) for box, rank, score in zip(boxes, order, scores, strict=True)]
        return [filled(one, count, constant) for one, count in zip(found, counts, strict=True)]
