"""Suite ``verification``: does a distance tell a right prediction from a wrong one? Planted answers, each judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from foresight_harness.contracts.outcomes import ControlVerdict, Outcome
from foresight_harness.contracts.pairing import paired
from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.measuring.conditioning import Conditioning
from foresight_harness.measuring.extraction.planted import kinds_of, planted_split
from foresight_harness.measuring.extraction.splits import SPLITS
from foresight_harness.measuring.fitting.objectives import Fitted, decode_latents
from foresight_harness.measuring.suites.references import masks_of, picture_metrics
from foresight_harness.measuring.suites.verification_controls import judge_cell
from foresight_harness.measuring.suites.verification_numbers import FEATURES, Told, as_measurements, named_best
from foresight_harness.measuring.workshop.reference_rows import compared
from foresight_harness.parts.datasets.planted_answers import ANSWERS
from foresight_harness.parts.metrics.feature_distance import channel_spread, feature_distance
from foresight_harness.parts.metrics.told_apart import PERMUTATIONS

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell

FRAMES_COMPARED = 3
"""Frames of a clip that pictures are compared in, evenly spread from the first to the last: LPIPS of all nine of six
answers to 40 clips takes a minute a candidate."""
AT_ONCE = 8
"""Clips whose features or decoded frames are in memory together."""
PICTURES = ("lpips", "lpips_vgg", "lpips_random_trunk", "psnr", "decoded_iou")
"""Metrics of pictures that are asked, where the run has them."""


def protocol(cell: Cell) -> dict[str, Any]:
    """Answers, decoder, adapter, budget, what is compared."""
    metrics = {spec.name: spec.definition() for spec in _asked(cell)}
    return {
        "answers": ANSWERS,
        "wrong": list(kinds_of(cell.workshop.splits.built(cell.dataset, "test"))),
        "frames": cell.scale.frames,
        "frames_compared": FRAMES_COMPARED,
        "decoder": cell.candidate.decoder.base,
        "adapter": cell.candidate.decoder.adapter,
        "metrics": metrics,
        FEATURES: "root mean square over slots, places and channels, each in units of its spread over the train split",
        "null": f"{PERMUTATIONS} shuffles of the labels within each clip's answers",
        **cell.recipe_for_latents().choices(),
    }


def score(cell: Cell) -> Outcome:
    """Measure, then say what controls scored on the same answers."""
    outcome, controls = cell.calibrated(measure, judge_cell)
    return _with_controls(outcome, controls)


def measure(cell: Cell) -> Outcome:
    """How each distance tells the answers of one candidate apart, without looking at any other.

    Every answer goes the candidate's own way: its features beside those of the clip as it went on, and what the decoder
    makes of them beside that clip's pixels.
    """
    test, dataset = cell.split("test"), cell.workshop.splits.built(cell.dataset, "test")
    store = cell.workshop.splits.store
    answers = {wrong: planted_split(store, dataset, test, wrong) for wrong in (None, *kinds_of(dataset))}
    truth = _Truth(cell)
    told: dict[str, list[Told]] = {}
    for seed in cell.seeds:
        fitted = cell.fitted_for_latents(seed)
        actual, taught = (_few(fitted.conditioning(cell.streams(name), str(cell.candidate))) for name in SPLITS[::-1])
        spread = channel_spread(taught)
        values: dict[str, Told] = {}
        for wrong, split in answers.items():
            given = _few(fitted.conditioning(cell.streams_over(split), str(cell.candidate)))
            pairs = paired(f"answers to clips of {cell.candidate}", actual, given)
            away = torch.cat([feature_distance(one, other, spread) for one, other in pairs])
            values.setdefault(FEATURES, {})[wrong] = -away.numpy()
            for name, likeness in truth.likeness(fitted, given).items():
                values.setdefault(name, {})[wrong] = likeness.numpy()
        for name, found in values.items():
            told.setdefault(name, []).append(found)
    measurements, clips = as_measurements(cell, told), test.labels.groups
    details: dict[str, Any] = {"fit": fitted.convergence.as_json()} if fitted.convergence else {}
    details |= {"best": named_best(told, clips, cell.scale.resamples), "answers_a_clip": len(answers)}
    params = fitted.params() | {"decoder": int(cell.workshop.latents.decoder(cell.candidate.decoder).facts()["params"])}
    return Outcome(measurements, params=params, details=details)


def _few(conditioning: Conditioning) -> Conditioning:
    """The same, read a few clips at a time: 40 clips of nine frames of raw pixels are half a gigabyte in float64."""
    return replace(conditioning, batch=AT_ONCE)


class _Truth:
    """The test clips as they went on, and the metrics that pictures are compared with them by."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        test = cell.split("test")
        frames = test.clips.shape[0]
        self.frames = np.unique(np.linspace(0, frames - 1, FRAMES_COMPARED).round().astype(int)).tolist()
        clips = test.take(range(len(test)))
        self.masks = tuple(planes[self.frames] for planes in masks_of(cell, clips))
        self.targets = clips[:, self.frames].contiguous()
        self.specs = _asked(cell)
        self.built = cell.workshop.built_metrics(self.specs)

    def likeness(self, fitted: Fitted, given: Conditioning) -> dict[str, Tensor]:
        """How like the truth the decoded answers are, by metric: the more, the better. [n] float64 each"""
        output = self._decoded(fitted, given)
        found = {}
        for spec in self.specs:
            values = compared(self.built[spec.name], spec, output, self.targets, self.masks)
            found[spec.name] = values if spec.direction == "higher" else -values
        return found

    def _decoded(self, fitted: Fitted, given: Conditioning) -> Tensor:
        """Compared frames of what the decoder makes. [n, t, 3, H_px, W_px] in [0, 1]"""
        cell, spec = self.cell, self.cell.candidate.decoder
        shape = cell.workshop.latents.of(spec, cell.split("train")).shape
        assert fitted.adapter is not None
        parts = []
        for start in range(0, len(given), AT_ONCE):
            block = given.take(range(start, min(start + AT_ONCE, len(given))))
            with torch.inference_mode():
                latents = decode_latents(fitted.adapter, block, (shape.frames, shape.rows, shape.cols))
            parts.append(cell.workshop.latents.decode(spec, latents.float().cpu())[:, self.frames])
        return torch.cat(parts)


def _asked(cell: Cell) -> list[MetricSpec]:
    """Metrics of pictures that tell answers apart, and that the run has."""
    return [spec for spec in picture_metrics(cell) if spec.name in PICTURES]


def _with_controls(outcome: Outcome, controls: ControlVerdict) -> Outcome:
    """The outcome with the ceiling, which a perfect mask reaches, and the verdict on the answers."""
    ceilings: Mapping[str, float] = {metric: value for (metric, _), value in controls.ceiling.items()}
    measured = tuple(
        replace(found, ceiling=ceilings.get(found.metric), ceiling_by="oracle" if found.metric in ceilings else None)
        for found in outcome.measurements
    )
    details = {**outcome.details, "controls": controls.sentences}
    return replace(outcome, measurements=measured, controls_ok=controls.ok, details=details)
