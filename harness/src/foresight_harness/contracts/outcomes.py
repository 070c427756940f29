"""What a suite hands back: per-sample values, never a mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foresight_harness.contracts.specs.data import MetricSpec

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """One metric over one split, as values a sample."""

    metric: str
    unit: str
    direction: str
    """``higher`` or ``lower`` is better; ``none`` for a fact."""
    range: tuple[float | None, float | None]
    values: Values | None = None
    """One row a seed, one column a sample, NaN where undefined. [S, n]"""
    value: float | None = None
    """Of a metric that belongs to the whole split (AP, CKA, latency); None where the mean over ``values`` is meant."""
    interval: tuple[float, float] | None = None
    interval_method: str | None = None
    n: int | None = None
    """Samples behind ``value`` where there are no ``values``."""
    stats: Sequence[Sequence[Mapping[str, Any]]] | None = None
    """Sufficient statistics of a corpus metric (average precision), by seed and sample; JSON types. S x n
    Value and interval of the record are computed from them."""
    probe: str | None = None
    probe_choices: Mapping[str, Any] | None = None
    """Of a probe other than the suite's own: they stand in the protocol in its place."""
    controls_ok: bool | None = None
    """Whether controls read by this very probe land where they must; None takes the outcome's."""
    seeds: tuple[int, ...] = (0,)
    gateable: bool = True
    floor: float | None = None
    floor_by: str | None = None
    ceiling: float | None = None
    ceiling_by: str | None = None
    null: Mapping[str, float] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def of_metric(spec: MetricSpec, values: Values, **rest: Any) -> Measurement:
    """A measurement of a metric that a plugin offers. ``values`` is [S, n]."""
    return Measurement(
        metric=spec.name,
        unit=spec.unit,
        direction=spec.direction,
        range=spec.range,
        values=values,
        gateable=spec.gateable,
        **rest,
    )


@dataclass(frozen=True)
class Picture:
    """One picture for the report."""

    kind: str
    """``target``, ``output``, ``round_trip``, ``error``, ``boxes``; ``clip`` is a target with what was read from it."""
    sample: str
    pixels: Any = None
    """[3, H_px, W_px] or [H_px, W_px] tensor in [0, 1], of clips with a leading [T]: [T, 3, H_px, W_px]; None where the
    target is drawn over."""
    metric: str | None = None
    value: float | None = None
    boxes_true: Sequence[Sequence[float]] = ()
    boxes_predicted: Sequence[Sequence[float]] = ()
    scale_max: float | None = None
    label: str = ""


@dataclass(frozen=True)
class KeptTokens:
    """A few tokens for conclusions over candidates; ``run.tokens`` writes and bounds them."""

    part: str
    """What they are: ``conditioning``, ``latents``, ``tokens``, or a map's method."""
    features: NDArray[np.float32]
    """[n, d]"""
    pictures: Sequence[int]
    """Index of each one's sample in the test split. n"""
    places: Sequence[tuple[int, int, int]]
    """Frame, row and column on the grid that they were taken from. n"""
    classes: Sequence[str | None] = ()
    """Of the object below each; None where unknown. n, or nothing"""


@dataclass(frozen=True)
class ControlVerdict:
    """What the controls of a suite say of it on one data set: floor, ceiling, and whether it can be believed there."""

    floor: Mapping[str, float]
    """By metric."""
    ceiling: Mapping[tuple[str, str | None], float]
    """By metric and probe."""
    ok: bool | None
    """Of the suite's own probe; None where there are too few pictures to tell."""
    sentences: tuple[str, ...]
    """One a control: what it scored, what was expected."""
    others: Mapping[str | None, bool | None] = field(default_factory=dict)
    """The same of the other probes that were asked for."""


@dataclass(frozen=True)
class Outcome:
    """Everything that a suite found out about one candidate on one data set."""

    measurements: tuple[Measurement, ...]
    pictures: tuple[Picture, ...] = ()
    tokens: tuple[KeptTokens, ...] = ()
    params: Mapping[str, int] = field(default_factory=dict)
    controls_ok: bool | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
