"""The first run against each other one: same candidate, same comparability group, paired where samples allow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from foresight_reports import metrics
from foresight_reports.boards import Group, group_of
from foresight_reports.reading import Run, sample_file
from foresight_reports.records import Record
from foresight_reports.refusals import choice_differences

RESAMPLES = 2000
COLUMNS = ["metric", "dataset", "split", "probe", "seed", "sample", "group", "value"]

Samples = Mapping[tuple[object, ...], tuple[str, float]]


TIMED = "two sessions differ by more than their intervals; foresight-bench ab times both in turns"
"""Why a time is not called better or worse: unchanged code measured twice is beyond 5 % in half of all cases."""


@dataclass(frozen=True)
class Change:
    """One number in both runs; ``word`` is ``better``, ``worse``, ``within noise``, ``unclear`` or ``not compared``."""

    candidate: str
    suite: str
    dataset: str
    probe: str | None
    metric: str
    now: Record
    before: Record
    delta: float | None
    low: float | None
    high: float | None
    pairs: int
    word: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """All changes from one other run, and what only one of the two measured."""

    other: str
    changes: Sequence[Change]
    only_now: int
    only_before: int

    @property
    def compared(self) -> list[Change]:
        """The changes that are more than a refusal."""
        return [change for change in self.changes if change.word != "not compared"]


def compare(run: Run, other: Run) -> Comparison:
    """Compare a run with an older one, number by number.

    The difference of two runs of one candidate is taken per sample where both have the sample, and its interval is
    a percentile bootstrap over the samples' groups: pairing is two to seven times sharper than two intervals apart.
    """
    mine, theirs = _by_key(run), _by_key(other)
    cache: dict[tuple[str, str], Samples] = {}
    changes = [_change(run, other, mine[key], theirs[key], cache) for key in mine if key in theirs]
    order = {"worse": 0, "better": 1, "unclear": 2, "not compared": 3, "within noise": 4}
    changes.sort(key=lambda c: (order[c.word], c.suite, c.now.suites.rank_of(c.metric), c.candidate))
    return Comparison(other.name, changes, len(mine.keys() - theirs.keys()), len(theirs.keys() - mine.keys()))


def _by_key(run: Run) -> dict[tuple[object, ...], Record]:
    return {
        (r.candidate, r.suite, r.metric, r.probe, r.dataset, r.split, r.dtype): r
        for r in run.records
        if r.metric is not None and r.value is not None and r.role == "candidate" and r.direction in metrics.MARKS
    }


def _change(run: Run, other: Run, now: Record, before: Record, cache: dict[tuple[str, str], Samples]) -> Change:
    left, right = group_of(now, run), group_of(before, other)
    delta: float | None = (now.value or 0.0) - (before.value or 0.0)
    low: float | None = None
    high: float | None = None
    pairs = 0
    reason = _obstacle(left, right, run, other)
    if reason:
        word, delta = "not compared", None
    else:
        low, high, pairs = _paired(run, other, now, before, cache)
        word, reason = _word(now, before, delta, low, high)
        if now.timed and word in ("worse", "better"):
            word, reason = "unclear", TIMED
    return Change(
        candidate=now.candidate,
        suite=now.suite,
        dataset=now.dataset,
        probe=now.probe,
        metric=now.metric or "",
        now=now,
        before=before,
        delta=delta,
        low=low,
        high=high,
        pairs=pairs,
        word=word,
        reason=reason,
    )


def _obstacle(left: Group, right: Group, run: Run, other: Run) -> str:
    if left.hardware != right.hardware:
        return "another machine"
    if left.fingerprint != right.fingerprint:
        return "other data"
    if left.protocol != right.protocol:
        return "; ".join(choice_differences(left, right, [run, other]))
    return ""


def _word(now: Record, before: Record, delta: float | None, low: float | None, high: float | None) -> tuple[str, str]:
    if low is not None and high is not None:
        if low <= 0 <= high:
            return "within noise", "paired interval includes 0"
        risen = low > 0
        return ("better" if risen == (now.direction == "higher") else "worse"), "paired interval excludes 0"
    if not now.has_interval or not before.has_interval or delta is None:
        return ("within noise", "equal") if delta == 0 else ("unclear", "no interval on one side")
    apart = (now.ci_low or 0.0) > (before.ci_high or 0.0) or (now.ci_high or 0.0) < (before.ci_low or 0.0)
    if not apart:
        return "within noise", "the two intervals overlap"
    return ("better" if (delta > 0) == (now.direction == "higher") else "worse"), "the two intervals are apart"


def _paired(
    run: Run, other: Run, now: Record, before: Record, cache: dict[tuple[str, str], Samples]
) -> tuple[float | None, float | None, int]:
    left, right = _samples(run, now, cache), _samples(other, before, cache)
    shared = sorted((k for k in left.keys() & right.keys() if k[:4] == _prefix(now)), key=str)
    if len(shared) < 2:
        return None, None, len(shared)
    groups = [left[key][0] for key in shared]
    differences = np.array([left[key][1] - right[key][1] for key in shared])
    low, high = cluster_interval(differences, groups)
    # A corpus metric such as AP is no mean of its per-sample values: then the paired mean says nothing about it.
    mean = float(differences.mean())
    stated = (now.value or 0.0) - (before.value or 0.0)
    if abs(mean - stated) > 1e-6 + 1e-3 * max(abs(mean), abs(stated)):
        return None, None, len(shared)
    return low, high, len(shared)


def _prefix(record: Record) -> tuple[object, ...]:
    return (record.metric, record.dataset, record.split, record.probe)


def _samples(run: Run, record: Record, cache: dict[tuple[str, str], Samples]) -> Samples:
    key = (run.name, record.cell)
    if key not in cache:
        cache[key] = _read_samples(run, record.cell)
    return cache[key]


def _read_samples(run: Run, cell: str) -> Samples:
    try:
        table = pq.read_table(sample_file(run.path, cell), columns=COLUMNS)
    except (OSError, pa.ArrowInvalid):
        return {}
    found: dict[tuple[object, ...], tuple[str, float]] = {}
    for line in table.to_pylist():
        value = line["value"]
        if value is not None and np.isfinite(value):
            found[tuple(line[name] for name in COLUMNS[:6])] = (str(line["group"]), float(value))
    return found


def cluster_interval(values: NDArray[np.float64], groups: Sequence[str]) -> tuple[float, float]:
    """A 95 % percentile interval of the mean, whole groups resampled. The same input gives the same interval.

    Args:
        values: One difference per sample. [N] float
        groups: The cluster of each sample. [N]
    """
    names, index = np.unique(np.array(groups), return_inverse=True)
    sums = np.bincount(index, weights=values, minlength=len(names))
    sizes = np.bincount(index, minlength=len(names)).astype(np.float64)
    draws = np.random.default_rng(0).integers(0, len(names), size=(RESAMPLES, len(names)))
    means = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
