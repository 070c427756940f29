"""``knn``: nothing is trained; a token's coverage is that of the train tokens most like it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from foresight_harness.contracts.batches import GridBatches, Labels
from foresight_harness.contracts.errors import FitError
from foresight_harness.parts.probes.base import Detections
from foresight_harness.parts.probes.boxes import Floats, mean_box_floor, true_boxes
from foresight_harness.parts.probes.map_reader import MapReader
from foresight_harness.parts.probes.targets import last_coverage, require_grid, require_same_grid
from foresight_harness.parts.probes.tokens import Standard, streamed_standard

BANK = 2048
NEIGHBOURS = 15
CHUNK = 8192
"""Tokens compared at a time: 64 MB of distances."""


class Knn:
    """Mean coverage of the nearest train tokens (Euclidean, channels standardised), boxes from the map.

    The bank holds tokens of every second train picture, half of them touched by an object where there are enough; the
    other pictures choose how the map is read, so that no token is its own neighbour.
    """

    name = "knn"
    audit_only = False
    max_objects: int | None = None

    def __init__(self) -> None:
        self._standard: Standard | None = None
        self._reader: MapReader | None = None
        self._bank, self._values = torch.empty(0), torch.empty(0)
        self._grid = (0, 0, 0)

    def choices(self) -> dict[str, object]:
        """See Probe."""
        return {
            "probe": "knn/1",
            "target": "coverage of the last frame",
            "slot": "last",
            "bank": BANK,
            "bank_from": "every second picture, half on objects",
            "neighbours": NEIGHBOURS,
            "distance": "euclidean on standardised channels",
            **MapReader.choices(),
        }

    def fit(self, features: GridBatches, labels: Labels, seed: int) -> None:
        """See Probe; ``seed`` draws the bank."""
        shape = require_grid(self.name, features, labels)
        if len(labels) < 2:
            raise FitError(f"probe {self.name} needs at least 2 train samples (bank and reading), got {len(labels)}")
        self._grid = (shape.rows, shape.cols, shape.width)
        coverage = last_coverage(labels, shape.rows, shape.cols)
        self._standard = streamed_standard(self.name, features)
        values = coverage[::2].flatten()
        chosen = balanced(values > 0, BANK, seed)
        self._bank = self._standard(_tokens_at(features, chosen, shape.rows * shape.cols))
        self._values = values[chosen].to(self._bank.device)
        self._reader = MapReader(mean_box_floor(labels))
        self._reader.fit(self._maps(features, 1, 2), coverage[1::2].double().numpy(), true_boxes(labels)[1::2])

    def predict(self, features: GridBatches, counts: Sequence[int]) -> list[Detections]:
        """See Probe."""
        if self._reader is None:
            raise FitError(f"probe {self.name}: predict before fit")
        require_same_grid(self.name, features, self._grid)
        return self._reader.read(self._maps(features, 0, 1), counts)

    def _maps(self, features: GridBatches, first: int, step: int) -> Floats:
        """Predicted coverage of every ``step``-th sample from the ``first``. [n, H, W]"""
        parts, start = [], 0
        for batch in features:
            skipped = (first - start) % step
            if skipped < len(batch):
                parts.append(self._map(batch[skipped::step, -1]))
            start += len(batch)
        return np.concatenate(parts)

    def _map(self, tokens: Tensor) -> Floats:
        """Predicted coverage. [B, H, W, C] -> [B, H, W]"""
        if self._standard is None:
            raise FitError(f"probe {self.name}: predict before fit")
        neighbours = min(NEIGHBOURS, len(self._bank))
        norms = self._bank.square().sum(1)
        parts = []
        for chunk in torch.split(tokens.flatten(0, 2), CHUNK):
            # The token's own norm is the same for all neighbours and is left out.
            distance = torch.addmm(norms, self._standard(chunk), self._bank.T, alpha=-2)
            nearest = distance.topk(neighbours, dim=1, largest=False, sorted=False).indices
            parts.append(self._values[nearest].mean(1))
        return torch.cat(parts).reshape(tokens.shape[:3]).double().cpu().numpy()


def _tokens_at(features: GridBatches, chosen: Tensor, cells: int) -> Tensor:
    """Tokens of the last slot by their number among those of every second sample, in the order asked for. [n, C]"""
    found: Tensor | None = None
    start = 0
    for batch in features:
        samples = (chosen // cells) * 2
        places = ((samples >= start) & (samples < start + len(batch))).nonzero()[:, 0]
        if found is None:
            found = batch.new_empty(len(chosen), batch.shape[-1])
        slots = batch[:, -1].flatten(1, 2)
        found[places.to(found.device)] = slots[samples[places] - start, chosen[places] % cells]
        start += len(batch)
    assert found is not None  # there are at least two samples
    return found


def balanced(touched: Tensor, count: int, seed: int) -> Tensor:
    """Indices of ``count`` tokens, half of them touched by an object; fewer where there are not so many. [n] bool"""
    generator = torch.Generator().manual_seed(seed)
    drawn = []
    for mask in (touched, ~touched):
        indices = mask.nonzero()[:, 0]
        drawn.append(indices[torch.randperm(len(indices), generator=generator)[: count // 2]])
    return torch.cat(drawn)
