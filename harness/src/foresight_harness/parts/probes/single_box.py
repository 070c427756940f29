"""Trained probes that answer with one box: the largest object's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from foresight_harness.contracts.batches import GridBatches, Labels
from foresight_harness.contracts.errors import FitError
from foresight_harness.contracts.specs.grid_shape import GridShape
from foresight_harness.parts.probes.base import Detections
from foresight_harness.parts.probes.box_loss import GIOU_WEIGHT, L1_WEIGHT, box_loss, centred, corners
from foresight_harness.parts.probes.boxes import Floats, mean_box_floor, true_boxes
from foresight_harness.parts.probes.targets import require_grid, require_same_grid
from foresight_harness.parts.probes.tokens import Standard, last_slots, standard_of
from foresight_harness.parts.training.recipe import Recipe
from foresight_harness.parts.training.trainer import Convergence, train

Built = TypeVar("Built", bound=nn.Module)

RECIPE = Recipe(steps=300, batch=64, losses=("l1", "giou"), learning_rate=3e-3)

CONV_RECIPE = Recipe(steps=400, batch=64, losses=("l1", "giou"), learning_rate=5e-3)

LINEAR_RECIPE = Recipe(steps=400, batch=64, losses=("l1", "giou"), learning_rate=5e-2, weight_decay=0.0)
"""For heads of one linear map, whose weights have far to go: Adam moves a weight by at most the rate in a step."""


class SingleBoxProbe:
    """A head that is trained to box the largest object of each picture.

    Where a picture has more objects, the rest of the list is the constant box: compare these probes on pictures of one
    object.

    Args:
        name: As in the registry.
        head: Builds the head for a grid; it maps [b, H, W, C] to cxcywh [b, 4].
        recipe: How it is trained.
        prepare: What the head reads of standardised tokens, worked out once instead of in every step.
        audit_only: See Probe.
        version: Raised when a probe of this name comes to mean something else.
    """

    max_objects: int | None = 1

    def __init__(
        self,
        name: str,
        head: Callable[[GridShape], nn.Module],
        *,
        recipe: Recipe = RECIPE,
        prepare: Callable[[Tensor], Tensor] = lambda tokens: tokens,
        audit_only: bool = False,
        version: int = 1,
    ) -> None:
        self.name = name
        self.audit_only = audit_only
        self.convergence: Convergence | None = None
        self._head, self._recipe, self._prepare, self._version = head, recipe, prepare, version
        self._module: nn.Module | None = None
        self._standard: Standard | None = None
        self._constant_box: Floats = np.empty(0)
        self._grid = (0, 0, 0)

    def choices(self) -> dict[str, object]:
        """See Probe."""
        return {
            "probe": f"{self.name}/{self._version}",
            "target": "largest object of the last frame",
            "slot": "last",
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
        some, targets = largest_objects(labels)
        tokens = self._prepare(self._standard(tokens)[some.to(tokens.device)])
        targets = centred(targets).to(tokens.device)
        module = seeded(lambda: self._head(shape), seed).to(tokens.device)

        def loss_of(indices: Sequence[int]) -> Tensor:
            chosen = torch.tensor(indices, device=tokens.device)
            return box_loss(module(tokens[chosen]), targets[chosen]).mean()

        self.convergence = train(module, loss_of, len(targets), self._recipe, seed)
        self._module = module

    @torch.no_grad()
    def predict(self, features: GridBatches, counts: Sequence[int]) -> list[Detections]:
        """See Probe."""
        if self._module is None or self._standard is None:
            raise FitError(f"probe {self.name}: predict before fit")
        require_same_grid(self.name, features, self._grid)
        module, standard = self._module, self._standard
        boxes = torch.cat([module(self._prepare(standard(batch[:, -1]))).cpu() for batch in features])
        constant = torch.from_numpy(self._constant_box).float()
        return [
            filled(Detections(box[None], torch.ones(1)), count, constant)
            for box, count in zip(corners(boxes).clamp(0, 1), counts, strict=True)
        ]


def largest_objects(labels: Labels) -> tuple[Tensor, Tensor]:
    """Indices of the samples that have objects [m], and the largest box of each, xyxy [m, 4]."""
    boxes = true_boxes(labels)
    some = [index for index, box in enumerate(boxes) if len(box)]
    largest = [box[np.argmax((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]))] for box in boxes if len(box)]
    return torch.tensor(some), torch.from_numpy(np.array(largest)).float()


def filled(found: Detections, count: int, constant: Tensor) -> Detections:
    """The detections, with the constant box at score 0 as often as they are fewer than ``count``."""
    missing = max(count - len(found.boxes), 0)
    boxes = torch.cat([found.boxes, constant.expand(missing, 4)])
    return Detections(boxes, torch.cat([found.scores, found.scores.new_zeros(missing)]))


def seeded(build: Callable[[], Built], seed: int) -> Built:
    """Build a module from a seed, leaving the caller's random state alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()
