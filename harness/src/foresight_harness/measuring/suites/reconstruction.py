"""Suite ``reconstruction``: what does a decoder make of the conditioning, between mean picture and round trip?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from foresight_harness.contracts.outcomes import Measurement, Outcome, Picture, Values, of_metric
from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.contracts.specs.suites import SHARE_UNIT
from foresight_harness.measuring.extraction import DecodedSplit
from foresight_harness.measuring.fitting.conditioned_decoders import OwnAdapter
from foresight_harness.measuring.fitting.objectives import Fitted, decode_latents
from foresight_harness.measuring.suites.distributions import distances, distribution_metrics, network
from foresight_harness.measuring.suites.error_places import error_places
from foresight_harness.measuring.suites.over_time import over_time, variants
from foresight_harness.measuring.suites.references import picture_metrics, references
from foresight_harness.measuring.workshop.reference_rows import References
from foresight_harness.parts.training.recipe import DECODER

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell

WORST = 2
"""Pictures a cell shows because they are its worst, beside those of ``--keep-pictures``, which come as they come."""
NO_ROOM = 1e-9
"""Floor and ceiling that are closer leave no way between them."""
ERROR_SCALE = 0.5
"""Absolute error drawn white: one scale for the whole run."""


def protocol(cell: Cell) -> dict[str, Any]:
    """Decoder, adapter, budget, pictures, metric definitions."""
    metrics = {spec.name: spec.definition() for spec in picture_metrics(cell) if not spec.on_request}
    linear = cell.candidate.decoder.adapter == "linear"
    for spec in distribution_metrics(cell):
        metrics[spec.name] = f"{spec.reference}; sha256 {network(cell, spec).facts()['sha256']}"
    return {
        "decoder": cell.candidate.decoder.base,
        "adapter": cell.candidate.decoder.adapter,
        **({"adapter_cells": cell.candidate.decoder.adapter_cells} if linear else {}),
        "pictures": cell.scale.pictures,
        "metrics": metrics,
        **({"over_time": variants(list(metrics))} if cell.clips else {}),
        **_choices(cell),
    }


def _choices(cell: Cell) -> dict[str, Any]:
    """How it is fitted, and where the recipe tunes the decoder, by what."""
    recipe = cell.recipe_for_latents()
    return recipe.choices() | ({"tuning": dict(cell.candidate.decoder.tuning)} if DECODER in recipe.trains else {})


def score(cell: Cell) -> Outcome:
    """Decode the first test pictures from conditioning and compare them with the truth."""
    known = references(cell)
    chosen = range(min(cell.scale.pictures, len(cell.split("test"))))
    outputs = []
    for seed in cell.seeds:
        fitted = cell.fitted_for_latents(seed)
        outputs.append(decode_test(cell, fitted, list(chosen)))
    measurements = []
    refused: dict[str, str] = {}
    for spec in picture_metrics(cell):
        values = np.stack([known.compared(spec, output).numpy() for output in outputs])
        measurements.append(
            of_metric(spec, _padded(values, len(cell.split("test"))), seeds=cell.seeds, **known.bounds(spec.name))
        )
        measurements += _share(spec, values, known, cell)
        reason = share_refused(spec, values, known.floor[spec.name], known.ceiling[spec.name])
        if reason is not None:
            refused[f"{spec.name}_share"] = reason
        measurements += _first_frame(spec, known, cell)
    measurements += _of_all(error_places(outputs, known), cell)
    if known.targets.shape[1] > 1:
        steady, curves = over_time(outputs, known)
        measurements += _of_all(steady, cell)
        together, said = distances(cell, outputs, known)
        measurements += together
        curves |= said
    details: dict[str, Any] = {"fit": fitted.convergence.as_json()} if fitted.convergence else {}
    if refused:
        details["shares_refused"] = refused
    if known.targets.shape[1] > 1:
        details |= curves
    params = fitted.params() | {"decoder": int(cell.workshop.latents.decoder(cell.candidate.decoder).facts()["params"])}
    perceptual = next((found for found in measurements if found.metric.startswith("lpips")), measurements[0])
    pictures = _pictures(cell, outputs[0], known, perceptual)
    return Outcome(tuple(measurements), pictures, params=params, details=details | _of_adapter(fitted))


def decode_test(cell: Cell, fitted: Fitted, indices: list[int]) -> Tensor:
    """Pictures that the decoder makes of the candidate's conditioning. [n, T, 3, H_px, W_px] in [0, 1]"""
    spec = cell.candidate.decoder
    test = cell.split("test")
    shape = cell.workshop.latents.of(spec, test).shape
    conditioning = fitted.conditioning(cell.streams("test"), str(cell.candidate))
    assert fitted.adapter is not None
    with torch.inference_mode():
        latents = decode_latents(fitted.adapter, conditioning.take(indices), (shape.frames, shape.rows, shape.cols))
    return cell.workshop.latents.decode(spec, latents)


def _of_adapter(fitted: Fitted) -> dict[str, Any]:
    """What a decoder says of its own adapter; nothing of the harness's adapters."""
    return dict(fitted.adapter.facts()) if isinstance(fitted.adapter, OwnAdapter) else {}


def share_refused(spec: MetricSpec, values: Values, floor: float, ceiling: float) -> str | None:
    """Why values are no share of the way from floor to ceiling, in a few words; None where they are.

    A round trip that is no better than the mean picture is no ceiling, and what lies above it on average shows that it
    bounds nothing.
    """
    better = -1.0 if spec.direction == "lower" else 1.0
    room = better * (ceiling - floor)
    if not room > NO_ROOM:
        return f"the round trip ({ceiling:.4g}) is not better than the mean picture ({floor:.4g})"
    if np.isfinite(values).any() and better * (float(np.nanmean(values)) - floor) > (1 + NO_ROOM) * room:
        return f"the score ({np.nanmean(values):.4g}) lies above its ceiling, the round trip ({ceiling:.4g})"
    return None


def _share(spec: MetricSpec, values: Values, known: References, cell: Cell) -> list[Measurement]:
    """The same as a share of the way from floor to ceiling, where there is such a way."""
    floor, ceiling = known.floor[spec.name], known.ceiling[spec.name]
    if share_refused(spec, values, floor, ceiling) is not None:
        return []
    shares = (values - floor) / (ceiling - floor)
    return [
        Measurement(
            metric=f"{spec.name}_share",
            unit=SHARE_UNIT,
            direction="higher",
            range=(None, None),  # single pictures may lie above the round trip by chance or smoothing
            values=_padded(shares, len(cell.split("test"))),
            seeds=cell.seeds,
            gateable=spec.gateable,
            floor=0.0,
            floor_by="mean_picture",
            ceiling=1.0,
            ceiling_by="round_trip",
        )
    ]


def _first_frame(spec: MetricSpec, known: References, cell: Cell) -> list[Measurement]:
    """The same of clips that the generator continued from the true first frame: a reference row, never ranked."""
    if spec.name not in known.first_frame:
        return []
    return [
        Measurement(
            metric=f"{spec.name}_first_frame",
            unit=spec.unit,
            direction="none",
            range=spec.range,
            values=_padded(known.first_frame[spec.name].numpy()[None], len(cell.split("test"))),
            gateable=False,
            details={"reference": "given the true first frame and an empty prompt; says nothing of the candidate"},
        )
    ]


def _of_all(found: list[Measurement], cell: Cell) -> list[Measurement]:
    """Measurements over the decoded samples as ones over all."""
    count = len(cell.split("test"))
    return [
        replace(one, values=_padded(one.values, count), seeds=cell.seeds) for one in found if one.values is not None
    ]


def _padded(values: Values, count: int) -> Values:
    """Values of the first samples as values of all: the others are not measured, hence NaN. [S, n] -> [S, count]"""
    padded = np.full((values.shape[0], count), np.nan)
    padded[:, : values.shape[1]] = values
    return padded


def _pictures(cell: Cell, output: Tensor, known: References, first: Measurement) -> tuple[Picture, ...]:
    test: DecodedSplit = cell.split("test")
    assert first.values is not None
    values = first.values[0][: len(output)]
    sign = 1.0 if first.direction == "higher" else -1.0
    shown = list(range(min(cell.workshop.options.keep_pictures, len(output))))
    unchosen = len(shown)
    order = np.argsort(np.where(np.isnan(values), np.inf, sign * values), kind="stable")
    shown += [int(index) for index in order if int(index) not in shown][:WORST]
    pictures = []
    for place, index in enumerate(shown):
        label = "as they come" if place < unchosen else "worst"
        sample = test.labels.ids[index]
        value = float(values[index]) if np.isfinite(values[index]) else None
        true, best, made = (_shown(clips[index]) for clips in (known.targets, known.round_trip, output))
        error = (made - true).abs().mean(-3, keepdim=True) / ERROR_SCALE
        shared: dict[str, Any] = {"sample": sample, "metric": first.metric, "label": label}
        pictures += [
            Picture("target", pixels=true, value=None, **shared),
            Picture("round_trip", pixels=best, value=None, **shared),
            Picture("output", pixels=made, value=value, **shared),
            Picture("error", pixels=error, value=value, scale_max=ERROR_SCALE, **shared),
        ]
    return tuple(pictures)


def _shown(clip: Tensor) -> Tensor:
    """A picture [3, H_px, W_px] where there is one frame, else the clip [T, 3, H_px, W_px], which will move."""
    return clip[0] if len(clip) == 1 else clip
