"""The localisation objective: which cells objects cover, and where their boxes are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_harness.contracts.batches import Labels
from foresight_harness.contracts.devices import in_double
from foresight_harness.contracts.errors import UsageError
from foresight_harness.parts.grid_modules.positions import cell_centres
from foresight_harness.parts.training import losses

MAP_LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "coverage_bce": losses.coverage_bce,
    "coverage_focal": losses.coverage_focal,
}
BOX_LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "box_l1": losses.box_l1,
    "box_giou": losses.box_giou,
}


class PlaceTargets:
    """What a localisation head is held to, and the loss against it.

    Args:
        labels: Of the training split.
        size: Temporal slots, rows and columns of the grid.
        weights: Loss terms with their weights.
        device: Where predictions are.

    Raises:
        UsageError: where a term is no localisation loss.
    """

    def __init__(self, labels: Labels, size: tuple[int, int, int], weights: Mapping[str, float], device: str) -> None:
        unknown = [name for name in weights if name not in {*MAP_LOSSES, *BOX_LOSSES}]
        if unknown:
            known = ", ".join([*MAP_LOSSES, *BOX_LOSSES])
            raise UsageError(f"loss {unknown[0]!r} is none of localisation; there are {known}")
        frames, rows, cols = size
        self.weights, self.device = dict(weights), device
        self.coverage = labels.coverage(rows, cols, frames=frames)
        self.boxed = any(name in BOX_LOSSES for name in weights)
        self.boxes: Tensor | None = None
        self.inside: Tensor | None = None
        if self.boxed:
            self.boxes, self.inside = boxes_by_cell(labels.boxes, rows, cols)

    def head(self, width: int) -> nn.Module:
        """A per-cell linear readout: one logit, and four distances to the sides of a box where boxes are asked for."""
        # The oracle control is one channel wide, and a norm over one channel would erase it.
        norm = nn.LayerNorm(width) if width > 1 else nn.Identity()
        return nn.Sequential(norm, nn.Linear(width, 5 if self.boxed else 1))

    def constant(self) -> float | None:
        """Cross-entropy of the mean coverage, the best answer without features; None for other terms."""
        if set(self.weights) != {"coverage_bce"}:
            return None
        mean = in_double(self.coverage).mean().clamp(1e-12, 1 - 1e-12)
        return self.weights["coverage_bce"] * float(F.binary_cross_entropy(mean, mean))

    def loss(self, predicted: Tensor, indices: Sequence[int]) -> Tensor:
        """Weighted sum of the terms. [b, T, H, W, 1 or 5] -> []"""
        chosen = list(indices)
        coverage = self.coverage[chosen].to(predicted.device)
        terms = [
            self.weights[name] * loss(predicted[..., 0], coverage)
            for name, loss in MAP_LOSSES.items()
            if name in self.weights
        ]
        if self.boxes is not None and self.inside is not None:
            inside = self.inside[chosen].to(predicted.device)
            if bool(inside.any()):
                found = sides_to_boxes(predicted[:, -1, ..., 1:])[inside]
                true = self.boxes[chosen].to(predicted.device)[inside]
                terms += [
                    self.weights[name] * loss(found, true) for name, loss in BOX_LOSSES.items() if name in self.weights
                ]
        return torch.stack(terms).sum() if terms else predicted.sum() * 0


def boxes_by_cell(boxes: Sequence[Tensor], rows: int, cols: int) -> tuple[Tensor, Tensor]:
    """For every cell the smallest box that holds its centre.

    Args:
        boxes: Of each sample, xyxy in [0, 1]. B x [N_i, 4]
        rows: Rows of the grid.
        cols: Columns of the grid.

    Returns:
        Boxes [B, H, W, 4], and which cells have one [B, H, W] bool.
    """
    centres = cell_centres(rows, cols)
    found = torch.zeros(len(boxes), rows, cols, 4)
    inside = torch.zeros(len(boxes), rows, cols, dtype=torch.bool)
    for index, sample in enumerate(boxes):
        areas = (sample[:, 2:] - sample[:, :2]).prod(-1)
        for box in sample[areas.argsort(descending=True)]:
            holds = ((centres >= box[:2]) & (centres <= box[2:])).all(-1)
            found[index][holds] = box.float()
            inside[index] |= holds
    return found, inside


def sides_to_boxes(raw: Tensor) -> Tensor:
    """Distances from the cell's centre to the box's sides, made positive. [b, H, W, 4] -> xyxy [b, H, W, 4]

    *Source*: FCOS, arXiv 1904.01355, with softplus for its exponential.
    """
    centres = cell_centres(int(raw.shape[1]), int(raw.shape[2]), device=raw.device)
    sides = F.softplus(raw)
    return torch.cat([centres - sides[..., :2], centres + sides[..., 2:]], dim=-1)
