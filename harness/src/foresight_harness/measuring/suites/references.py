"""Reference rows of the reconstruction suite: the decoder's round trip above, the mean picture below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from foresight_harness.contracts.protocols import FirstFrameDecoder, Metric
from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.measuring.fitting.conditioned_decoders import SAMPLED

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell


@dataclass(frozen=True)
class References:
    """Targets and what the best and the worst sensible answers score on them."""

    targets: Tensor
    """[n, T, 3, H_px, W_px]"""
    masks: tuple[Tensor, ...]
    """One plane an object, none where the data set has no masks. n x [T, N_i, H_px, W_px] bool"""
    round_trip: Tensor
    """The decoder's own encoding, decoded. [n, T, 3, H_px, W_px]"""
    floor: dict[str, float]
    ceiling: dict[str, float]
    built: dict[str, Metric]
    features: dict[str, tuple[Tensor, Tensor, Tensor]] = field(default_factory=dict)
    """Of targets, round trip and mean picture, by metric of sets of clips; filled when first asked for. [n, d] each"""
    first_frame: dict[str, Tensor] = field(default_factory=dict)
    """Values of clips that a generator continued from the true first frame, by metric. [n] float64 each"""

    def compared(self, spec: MetricSpec, output: Tensor) -> Tensor:
        """Values of a metric, with what it compares. [n, T, 3, H_px, W_px] -> [n] float64"""
        return compared(self.built[spec.name], spec, output, self.targets, self.masks)

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
    from foresight_harness.measuring.suites.reconstruction import picture_metrics

    memory = cell.bench.references
    key = (cell.candidate.decoder.base, str(cell.dataset))
    if key in memory:
        return memory[key]
    specs = picture_metrics(cell)
    built = cell.bench.built_metrics(specs)
    targets, masks, floor = _of_data(cell, built)
    spec, test = cell.candidate.decoder, cell.split("test")
    round_trip = cell.bench.latents.decode(spec, cell.bench.latents.of(spec, test).take(range(len(targets))))
    ceiling = {
        spec.name: float(compared(built[spec.name], spec, round_trip, targets, masks).nanmean()) for spec in specs
    }
    continued = _first_frame(cell, targets)
    row: dict[str, Tensor] = {}
    if continued is not None:
        row = {spec.name: compared(built[spec.name], spec, continued, targets, masks) for spec in specs}
    memory[key] = References(targets, masks, round_trip, floor, ceiling, built, first_frame=row)
    return memory[key]


def _first_frame(cell: Cell, targets: Tensor) -> Tensor | None:
    """Clips that a generator makes of the true first frame and of nothing else; None of pictures and other decoders."""
    spec = cell.candidate.decoder
    decoder = cell.bench.latents.conditioned(spec)
    if targets.shape[1] == 1 or not isinstance(decoder, FirstFrameDecoder):
        return None
    starts = range(0, len(targets), SAMPLED)
    with torch.inference_mode():
        parts = [
            decoder.continue_first(targets[start : start + SAMPLED], range(start, min(start + SAMPLED, len(targets))))
            for start in starts
        ]
    return cell.bench.latents.decode(spec, torch.cat(parts).float().cpu())


def _of_data(cell: Cell, built: dict[str, Metric]) -> tuple[Tensor, tuple[Tensor, ...], dict[str, float]]:
    """Targets, masks and the scores of the mean picture: the same for every decoder, so shared between them."""
    from foresight_harness.measuring.suites.reconstruction import picture_metrics

    for (_, dataset), known in cell.bench.references.items():
        if dataset == str(cell.dataset):
            return known.targets, known.masks, known.floor
    test = cell.split("test")
    targets = test.take(range(min(cell.scale.pictures, len(test))))
    mean = mean_picture(cell.split("train")).expand_as(targets)
    masks = _masks(cell, targets)
    floor = {
        spec.name: float(compared(built[spec.name], spec, mean, targets, masks).nanmean())
        for spec in picture_metrics(cell)
    }
    return targets, masks, floor


def compared(metric: Metric, spec: MetricSpec, output: Tensor, targets: Tensor, masks: Sequence[Tensor]) -> Tensor:
    """Values of a metric on decoded clips, beside targets or beside targets and masks. -> [n] float64"""
    return metric(output, (targets, masks) if spec.compares == "objects" else targets)


def _masks(cell: Cell, targets: Tensor) -> tuple[Tensor, ...]:
    """Masks of the decoded samples, read from the data set again: the store keeps pictures only."""
    dataset = cell.bench.splits.built(cell.dataset, "test")
    empty = targets.new_zeros((targets.shape[1], 0, *targets.shape[3:]), dtype=torch.bool)
    found = (dataset[index].masks for index in range(len(targets)))
    return tuple(empty if masks is None else masks for masks in found)


def mean_picture(train: Any) -> Tensor:
    """Mean over a training split. [T, 3, H_px, W_px]"""
    total, count = torch.zeros(()), 0
    for clips in train.batches(64):
        total = total + clips.double().sum(0)
        count += len(clips)
    return (total / count).float()
