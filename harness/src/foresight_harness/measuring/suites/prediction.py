"""Suite ``prediction``: does conditioning of the frames seen say what comes next, and how far ahead?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.outcomes import ControlVerdict, Measurement, Outcome, Values
from foresight_harness.measuring.extraction.framed import METHOD, framed
from foresight_harness.measuring.fitting.future_queries import AT_ONCE, FutureQueries, choices, fit_queries
from foresight_harness.measuring.suites.prediction_controls import judge_cell
from foresight_harness.parts.metrics.moved_objects import MOVED, moved_between, moved_iou

if TYPE_CHECKING:
    from foresight_harness.measuring.extraction import DecodedSplit
    from foresight_harness.measuring.workshop.cell import Cell

HORIZONS = (1, 2, 4, 8)
"""Frames ahead."""
COPY, VELOCITY = "copy_last", "constant_velocity"


def protocol(cell: Cell) -> dict[str, Any]:
    """What is seen and what asked, the queries, the decoder."""
    frames = frames_of(cell)
    return {
        **choices(),
        "frames": METHOD,
        "frames_seen": seen_of(frames),
        "horizons": list(horizons_of(frames)),
        "decoder": cell.candidate.decoder.base,
        "moved": MOVED,
        "baselines": f"{COPY}: the last frame's latents; {VELOCITY}: those and their last change times the horizon",
        **({} if not cell.candidate.trainable else cell.recipe_for_places().choices()),
    }


def frames_of(cell: Cell) -> int:
    """Frames of the data set's clips."""
    return int(cell.split("test").clips.shape[0])


def seen_of(frames: int) -> int:
    """Frames that are seen of clips of so many: the first half and the middle one."""
    return (frames + 1) // 2


def horizons_of(frames: int) -> tuple[int, ...]:
    """Frames ahead that are asked of clips of so many frames."""
    return tuple(horizon for horizon in HORIZONS if seen_of(frames) - 1 + horizon < frames)


def score(cell: Cell) -> Outcome:
    """Measure, then say what controls scored on the same clips."""
    outcome, controls = cell.calibrated(measure, judge_cell)
    return with_controls(outcome, controls)


def with_controls(outcome: Outcome, controls: ControlVerdict) -> Outcome:
    """The outcome with the verdict on the queries."""
    details = {**outcome.details, "controls": controls.sentences}
    return replace(outcome, controls_ok=controls.ok, details=details)


def measure(cell: Cell) -> Outcome:
    """What one candidate predicts of the test clips, without looking at any other."""
    future = _Future(cell)
    frames = future.seen
    found: list[Mapping[int, _Numbers]] = []
    queries: FutureQueries | None = None
    for seed in cell.seeds:
        fitted = cell.fitted_for_places(seed)
        seen = {
            name: replace(
                fitted.conditioning(cell.streams_over(framed(cell.split(name), range(frames))), str(cell.candidate)),
                batch=AT_ONCE,
            )
            for name in ("train", "test")
        }
        targets = {horizon: future.latents("train", frames - 1 + horizon) for horizon in future.horizons}
        queries = fit_queries(seen["train"], targets, frames, future.grid)
        slots = seen["test"].shape.frames
        predicted: dict[int, list[Tensor]] = {horizon: [] for horizon in future.horizons}
        for block in seen["test"]:
            parted = queries.parted(block)
            for horizon in future.horizons:
                predicted[horizon].append(queries.predict(parted, slots, horizon))
        found.append({horizon: future.judged(torch.cat(parts), horizon) for horizon, parts in predicted.items()})
    assert queries is not None
    params = fitted.params() | {"adapter": queries.params}
    params |= {"decoder": int(cell.workshop.latents.decoder(cell.candidate.decoder).facts()["params"])}
    details: dict[str, Any] = {"fit": fitted.convergence.as_json()} if fitted.convergence else {}
    details["baselines"] = future.means()
    return Outcome(_measurements(cell, future, found), params=params, details=details)


@dataclass(frozen=True)
class _Numbers:
    """Of one prediction of one later frame, a value a clip. [n] each"""

    iou: Values
    error: Values


class _Future:
    """Later frames of the test clips, and what the two baselines make of them."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        frames = frames_of(cell)
        self.seen, self.horizons = seen_of(frames), horizons_of(frames)
        if self.seen < 2 or not self.horizons:
            raise DataError(f"data set {cell.dataset.name}: clips of {frames} frames have no past and future to part")
        last = self.latents("test", self.seen - 1)
        self.grid = (last.shape.rows, last.shape.cols)
        self.masks = self._masks()
        before, now = (torch.cat(list(self.latents("test", self.seen - 1 - age))) for age in (1, 0))
        self.baselines = {
            horizon: {
                COPY: self.judged(now, horizon),
                VELOCITY: self.judged(now + horizon * (now - before), horizon),
            }
            for horizon in self.horizons
        }

    def latents(self, name: Any, frame: int) -> Any:
        """The decoder's latents of one frame of every clip of a split, as a picture."""
        split: DecodedSplit = framed(self.cell.split(name), [frame])
        return self.cell.workshop.latents.of(self.cell.candidate.decoder, split)

    def _masks(self) -> list[Tensor]:
        """Of every test clip, one plane an object. n x [T, N, H_px, W_px] bool"""
        dataset = self.cell.workshop.splits.built(self.cell.dataset, "test")
        found = []
        for index in range(len(self.cell.split("test"))):
            planes = dataset[index].masks
            if planes is None:
                raise DataError(f"data set {self.cell.dataset.name}: masks are declared, and sample {index} has none")
            found.append(planes)
        return found

    def judged(self, latents: Tensor, horizon: int) -> _Numbers:
        """Compare predicted latents with the frame that many frames ahead. [n, 1, H', W', channels]"""
        cell, last, asked = self.cell, self.seen - 1, self.seen - 1 + horizon
        test = cell.split("test")
        true = torch.cat(list(self.latents("test", asked)))
        error = (latents - true).double().square().flatten(1).mean(1)
        made = cell.workshop.latents.decode(cell.candidate.decoder, latents.float())[:, 0]
        target = test.take(range(len(test)))[:, asked]
        planes = [clip[asked] for clip in self.masks]
        moved = [moved_between(clip[last], clip[asked]) for clip in self.masks]
        return _Numbers(moved_iou(made, target, planes, moved).numpy(), error.numpy())

    def means(self) -> dict[str, dict[str, list[float | None]]]:
        """IoU and latent error of both baselines at every horizon. JSON types"""
        return {
            baseline: {
                "iou": [_mean(self.baselines[horizon][baseline].iou) for horizon in self.horizons],
                "latent_error": [_mean(self.baselines[horizon][baseline].error) for horizon in self.horizons],
                "horizons": [float(horizon) for horizon in self.horizons],
            }
            for baseline in (COPY, VELOCITY)
        }


def _measurements(cell: Cell, future: _Future, found: list[Mapping[int, _Numbers]]) -> tuple[Measurement, ...]:
    """IoU at each horizon and over all, what it is above each baseline, and errors of latents."""
    shared: dict[str, Any] = {"unit": "ratio", "direction": "higher", "seeds": cell.seeds}
    rows, curves = [], []
    for horizon in future.horizons:
        iou = np.stack([one[horizon].iou for one in found])
        curves.append(iou)
        copied, gone_on = (future.baselines[horizon][name] for name in (COPY, VELOCITY))
        floor: dict[str, Any] = {"floor": _mean(copied.iou), "floor_by": COPY}
        rows += [
            Measurement(f"future_iou_{horizon}", range=(0.0, 1.0), values=iou, **floor, **shared),
            Measurement(f"over_copy_{horizon}", range=(-1.0, 1.0), values=iou - copied.iou, floor=0.0, **shared),
            Measurement(f"over_velocity_{horizon}", range=(-1.0, 1.0), values=iou - gone_on.iou, floor=0.0, **shared),
            Measurement(
                f"latent_error_{horizon}",
                unit="latent^2",
                direction="none",
                range=(0.0, None),
                values=np.stack([one[horizon].error for one in found]),
                seeds=cell.seeds,
            ),
        ]
    copies = np.stack([future.baselines[horizon][COPY].iou for horizon in future.horizons])
    mean: dict[str, Any] = {"floor": _mean(copies.mean(axis=0)), "floor_by": COPY}
    # A clip counts where its objects moved at every horizon, so that the mean is over equal clips.
    whole = Measurement("future_iou", range=(0.0, 1.0), values=np.mean(curves, axis=0), **mean, **shared)
    return (whole, *rows)


def _mean(values: Values) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
