"""Reference rows of the reconstruction suite: the decoder's round trip above, the mean picture below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from foresight_harness.contracts.devices import in_double
from foresight_harness.contracts.protocols import FirstFrameDecoder, Metric
from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.measuring.fitting.conditioned_decoders import SAMPLED
from foresight_harness.measuring.workshop.reference_rows import References, compared

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell


def picture_metrics(cell: Cell) -> list[MetricSpec]:
    """Every metric on offer that compares pictures, or objects in them; of those on request what the run asks for."""
    asked = cell.workshop.options.metrics
    found = [spec for spec in cell.workshop.registry.metrics.values() if spec.compares in ("pictures", "objects")]
    return [spec for spec in found if not spec.on_request or spec.name in asked]


def references(cell: Cell) -> References:
    """Measured once a run, data set and decoder."""
    memory = cell.workshop.references
    key = (cell.candidate.decoder.base, str(cell.dataset))
    if key in memory:
        return memory[key]
    specs = picture_metrics(cell)
    built = cell.workshop.built_metrics(specs)
    targets, masks, floor = _of_data(cell, built)
    spec, test = cell.candidate.decoder, cell.split("test")
    round_trip = cell.workshop.latents.decode(spec, cell.workshop.latents.of(spec, test).take(range(len(targets))))
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
    decoder = cell.workshop.latents.conditioned(spec)
    if targets.shape[1] == 1 or not isinstance(decoder, FirstFrameDecoder):
        return None
    starts = range(0, len(targets), SAMPLED)
    with torch.inference_mode():
        parts = [
            decoder.continue_first(targets[start : start + SAMPLED], range(start, min(start + SAMPLED, len(targets))))
            for start in starts
        ]
    return cell.workshop.latents.decode(spec, torch.cat(parts).float().cpu())


def _of_data(cell: Cell, built: dict[str, Metric]) -> tuple[Tensor, tuple[Tensor, ...], dict[str, float]]:
    """Targets, masks and the scores of the mean picture: the same for every decoder, so shared between them."""
    for (_, dataset), known in cell.workshop.references.items():
        if dataset == str(cell.dataset):
            return known.targets, known.masks, known.floor
    test = cell.split("test")
    targets = test.take(range(min(cell.scale.pictures, len(test))))
    mean = mean_picture(cell.split("train")).expand_as(targets)
    masks = masks_of(cell, targets)
    floor = {
        spec.name: float(compared(built[spec.name], spec, mean, targets, masks).nanmean())
        for spec in picture_metrics(cell)
    }
    return targets, masks, floor


def masks_of(cell: Cell, targets: Tensor) -> tuple[Tensor, ...]:
    """Masks of the decoded samples, read from the data set again: the store keeps pictures only."""
    dataset = cell.workshop.splits.built(cell.dataset, "test")
    empty = targets.new_zeros((targets.shape[1], 0, *targets.shape[3:]), dtype=torch.bool)
    found = (dataset[index].masks for index in range(len(targets)))
    return tuple(empty if masks is None else masks for masks in found)


def mean_picture(train: Any) -> Tensor:
    """Mean over a training split. [T, 3, H_px, W_px]"""
    total, count = torch.zeros(()), 0
    for clips in train.batches(64):
        total = total + in_double(clips).sum(0)
        count += len(clips)
    return (total / count).float()
