"""Reference rows of the reconstruction suite: the decoder's round trip above, the mean picture below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from foresight_harness.protocols import Metric

if TYPE_CHECKING:
    from foresight_harness.run.cell import Cell


@dataclass(frozen=True)
class References:
    """Targets and what the best and the worst sensible answers score on them."""

    targets: Tensor
    """[n, T, 3, H_px, W_px]"""
    round_trip: Tensor
    """The decoder's own encoding, decoded. [n, T, 3, H_px, W_px]"""
    floor: dict[str, float]
    ceiling: dict[str, float]
    built: dict[str, Metric]

    def bounds(self, metric: str) -> dict[str, Any]:
        """Floor and ceiling as a measurement takes them."""
        return {
            "floor": self.floor[metric],
            "floor_by": "mean_picture",
            "ceiling": self.ceiling[metric],
            "ceiling_by": "round_trip",
        }


def references(cell: Cell) -> References:
    """Measured once a run, data set and decoder."""
    from foresight_harness.suites.reconstruction import picture_metrics

    memory = cell.bench.references
    key = (cell.candidate.decoder.base, str(cell.dataset))
    if key in memory:
        return memory[key]
    built = cell.bench.built_metrics(picture_metrics(cell))
    targets, floor = _of_data(cell, built)
    spec, test = cell.candidate.decoder, cell.split("test")
    round_trip = cell.bench.latents.decode(spec, cell.bench.latents.of(spec, test).take(range(len(targets))))
    ceiling = {name: float(metric(round_trip, targets).nanmean()) for name, metric in built.items()}
    memory[key] = References(targets, round_trip, floor, ceiling, built)
    return memory[key]


def _of_data(cell: Cell, built: dict[str, Metric]) -> tuple[Tensor, dict[str, float]]:
    """Targets and the scores of the mean picture: the same for every decoder, so shared between them."""
    for (_, dataset), known in cell.bench.references.items():
        if dataset == str(cell.dataset):
            return known.targets, known.floor
    test = cell.split("test")
    targets = test.take(range(min(cell.scale.pictures, len(test))))
    mean = mean_picture(cell.split("train")).expand_as(targets)
    return targets, {name: float(metric(mean, targets).nanmean()) for name, metric in built.items()}


def mean_picture(train: Any) -> Tensor:
    """Mean over a training split. [T, 3, H_px, W_px]"""
    total, count = torch.zeros(()), 0
    for clips in train.batches(64):
        total = total + clips.double().sum(0)
        count += len(clips)
    return (total / count).float()
