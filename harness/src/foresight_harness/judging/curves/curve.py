"""One number over one choice, from runs that differ in that choice alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.comparing import ABSENT, NotComparableError
from foresight_harness.parts.statistics.mean_interval import mean_interval
from foresight_harness.running.run_folder.run_data import RunData

Choices = Mapping[str, Any]


class Axis(NamedTuple):
    """A choice that numbers are drawn over."""

    label: str
    unit: str
    free: frozenset[str]
    """Choices of the protocol that may differ, because they follow from this one."""
    of: Callable[[Record, Choices], float | None]
    """Its value for a record; None where the record has none."""
    name: Callable[[Record], str]
    """The candidate without what varies."""


class Point(NamedTuple):
    """One run's number."""

    x: float
    value: float
    low: float | None
    high: float | None
    n: int
    run: str


@dataclass(frozen=True)
class Curve:
    """One candidate's points, by rising x."""

    candidate: str
    points: tuple[Point, ...]
    rise: tuple[float, float | None, float | None] | None
    """Last less first value with its interval, paired by sample; None where the two were not scored on equal ones."""


@dataclass(frozen=True)
class Curves:
    """All curves of one number."""

    over: Axis
    facts: Record
    """Any of the records: suite, metric, unit, direction, data set, probe."""
    curves: tuple[Curve, ...]

    def as_json(self) -> dict[str, Any]:
        """JSON types, as the figure is drawn from."""
        facts = self.facts
        return {
            "over": {"label": self.over.label, "unit": self.over.unit},
            **{name: getattr(facts, name) for name in ("suite", "metric", "unit", "direction", "dataset", "probe")},
            "curves": [
                {
                    "candidate": curve.candidate,
                    "points": [point._asdict() for point in curve.points],
                    "rise": None
                    if curve.rise is None
                    else dict(zip(("value", "low", "high"), curve.rise, strict=True)),
                }
                for curve in self.curves
            ],
        }


def _side(_: Record, choices: Choices) -> float | None:
    found = choices.get("picture_px") or choices.get("canvas_px")
    return None if found is None else float(found)


def _train(_: Record, choices: Choices) -> float | None:
    found = choices.get("train_size")
    return None if found is None else float(found)


def _adapter(record: Record, _: Choices) -> float | None:
    found = (record.params or {}).get("adapter")
    return None if not found else float(found)


def _whole(record: Record) -> str:
    return record.candidate


def _without_adapter(record: Record) -> str:
    """Decoders are written ``adapter_5m:NAME``; the bare ones stand before raw pixels, as ``linear`` does."""
    adapter, _, decoder = record.axes.decoder.rpartition(":")
    bare = decoder if adapter or not decoder.startswith("adapter_") else "linear"
    return f"{record.candidate.rpartition('/')[0]}/{bare}"


AXES: Mapping[str, Axis] = {
    "train": Axis("training size", "samples", frozenset({"train_size", "fingerprint_train"}), _train, _whole),
    "side": Axis(
        "side of the pictures",
        "px",
        frozenset({"canvas_px", "picture_px", "fingerprint_train", "fingerprint_test", "input_size"}),
        _side,
        _whole,
    ),
    "adapter": Axis(
        "adapter size",
        "parameters",
        frozenset({"adapter", "adapter_cells", "adapter_params"}),
        _adapter,
        _without_adapter,
    ),
}


def curves_of(runs: Sequence[tuple[RunData, Sequence[Record]]], over: str) -> Curves:
    """Gather the points of every candidate.

    Args:
        runs: Each with its records of one number, floors and twins too.
        over: One of ``AXES``.

    Raises:
        NotComparableError: where records differ in another choice than the one they are drawn over, a control left its
            known range, or no candidate has two points.
        UsageError: where two records stand at one place of one curve.
    """
    axis = AXES[over]
    first: tuple[Record, Choices] | None = None
    found: dict[str, list[tuple[Point, RunData, Record]]] = {}
    for run, records in runs:
        for record in records:
            choices = (run.manifest.get("protocols") or {}).get(record.protocol) or {}
            x = axis.of(record, choices)
            if x is None or record.value is None:
                continue
            first = first or (record, choices)
            _require_equal(axis, first, (record, choices))
            point = Point(x, record.value, record.ci_low, record.ci_high, record.n, run.path.name)
            found.setdefault(axis.name(record), []).append((point, run, record))
    lines = {name: sorted(each, key=lambda entry: entry[0].x) for name, each in found.items()}
    lines = {name: each for name, each in lines.items() if len(each) > 1}
    if first is None or not lines:
        raise NotComparableError(
            f"no candidate has two values over {axis.label}: give runs that differ in it (found "
            f"{len(found)} candidates in {len(runs)} runs)"
        )
    for name, each in lines.items():
        for (one, *_), (other, *_) in pairwise(each):
            if one.x == other.x:
                raise UsageError(
                    f"{name} has two values at {axis.label} {one.x:g}, of runs {one.run} and {other.run}: leave one out"
                )
    curves = [Curve(name, tuple(point for point, *_ in each), _rise(each[0], each[-1])) for name, each in lines.items()]
    return Curves(axis, first[0], tuple(sorted(curves, key=_last_first)))


def _last_first(curve: Curve) -> tuple[float, str]:
    return -curve.points[-1].value, curve.candidate


def _require_equal(axis: Axis, first: tuple[Record, Choices], other: tuple[Record, Choices]) -> None:
    """Raises: NotComparableError."""
    record, choices = other
    if record.distrusted:
        raise NotComparableError(
            f"{record.metric} of {record.candidate} on {record.dataset} is not drawn: a control of its suite left its "
            "known range"
        )
    known = first[1]
    for name in sorted({*known, *choices} - axis.free):
        if known.get(name, ABSENT) != choices.get(name, ABSENT):
            raise NotComparableError(
                f"not one curve over {axis.label}: {name} is {known.get(name)!r:.60} of {first[0].candidate} and "
                f"{choices.get(name)!r:.60} of {record.candidate}"
            )


def _rise(
    first: tuple[Point, RunData, Record], last: tuple[Point, RunData, Record]
) -> tuple[float, float | None, float | None] | None:
    """Last less first, on the samples of both."""
    before, after = first[1].values(first[2]), last[1].values(last[2])
    if before is None or after is None or before.samples != after.samples:
        return None
    apart = np.atleast_2d(after.mean_over_seeds - before.mean_over_seeds)
    ends = mean_interval(apart, after.groups, (None, None))
    return float(ends.value), ends.low, ends.high
