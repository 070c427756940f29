"""Numbers that records imply: sizes, training, hours, spread over scenes, the decoder's own round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from foresight_harness.contracts.records import Record
from foresight_harness.judging.evidence.intervals import reading_of, spread_of
from foresight_harness.judging.evidence.verification import verification_of
from foresight_harness.judging.gates.verdict import Reading
from foresight_harness.judging.gates.vocabulary import (
    CEILING,
    CONVERGED,
    HOURS,
    PARAMS,
    REVERSED,
    SPREAD,
    STEPS,
    VERIFICATION,
)
from foresight_harness.running.run_folder.run_data import RunData

OF_CELLS = (PARAMS, STEPS, CONVERGED, HOURS)
"""Of a cell as a whole: the first of its records speaks for it."""
DIVERGED = "the fit diverged"
"""How a failed cell's error says it."""


class Derived(NamedTuple):
    """A reading, or why there is none."""

    reading: Reading | None
    reason: str = ""


def records_behind(run: RunData, suite: str, metric: str, probe: str | None) -> list[Record]:
    """Records that a metric, or a number derived from one, is read from; controls too."""
    wanted: dict[str, Any] = {"suite": suite, **({} if probe is None else {"probe": probe})}
    if metric not in OF_CELLS:
        return run.select(metric=base_of(metric), **wanted)
    speaks = {PARAMS: lambda record: bool(record.params), HOURS: lambda record: True}.get(metric, fit_of)
    able = [record for record in run.select(suite=suite) if speaks(record)]
    first: dict[str, Record] = {}
    for record in sorted(able, key=lambda record: not record.gateable):  # stable: of those that may be gated the first
        first.setdefault(record.cell, record)
    return list(first.values())


def is_quality(metric: str) -> bool:
    """Whether a number says how good something is; sizes, hours, spreads and the decoder's own scores do not."""
    return metric not in OF_CELLS and not metric.endswith((SPREAD, CEILING, VERIFICATION))


def base_of(metric: str) -> str:
    """The recorded metric that a spread, a ceiling or a verification is of; any other is its own."""
    if metric.endswith(VERIFICATION):
        return f"{metric.removesuffix(VERIFICATION)}{REVERSED}"
    return metric.removesuffix(SPREAD).removesuffix(CEILING)


def fit_of(record: Record) -> Mapping[str, Any]:
    """What a record says of its fit; empty where nothing was trained by steps."""
    fit = record.details.get("fit")
    return fit if isinstance(fit, Mapping) else {}


def derived(run: RunData, metric: str, record: Record, contenders: int) -> Derived:
    """The number that a rule is about, from the record that stands behind it. Raises: RunFolderError."""
    if metric == PARAMS:
        count = record.trained_params
        return Derived(None if count is None else Reading(float(count), None, None, 1, None))
    if metric == HOURS:
        return Derived(Reading(hours_of(run, record.candidate), None, None, 1, "sum over cells"))
    if metric in (STEPS, CONVERGED):
        return _of_fit(metric, record)
    if metric.endswith(SPREAD):
        return Derived(spread_of(run, record, contenders), "too few scenes to tell how much they differ")
    if metric.endswith(VERIFICATION):
        return Derived(verification_of(run, record, contenders), "too few clips to tell right answers from wrong ones")
    if metric.endswith(CEILING):
        return Derived(None if record.ceiling is None else Reading(record.ceiling, None, None, record.n, None))
    return Derived(reading_of(run, record, contenders))


def hours_of(run: RunData, candidate: str) -> float:
    """Hours that the cells of a candidate took, all suites together."""
    walls = {record.cell: record.wall_s or 0.0 for record in run.all_records if record.candidate == candidate}
    return sum(walls.values()) / 3600


def _of_fit(metric: str, record: Record) -> Derived:
    fit = fit_of(record)
    phases: Sequence[Mapping[str, Any]] = [*(fit.get("earlier") or ()), fit]
    if not all(phase.get("plateau") for phase in phases):
        return Derived(None, "its loss was still falling at the last step; train longer, such as with --scale full")
    steps = sum(int(phase.get("steps") or 0) for phase in phases)
    value = float(steps) if metric == STEPS else 1.0
    return Derived(Reading(value, None, None, 1, "of the fit"))
