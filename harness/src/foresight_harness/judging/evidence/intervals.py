"""Intervals of records and of differences, from their samples: exact for proportions, honest for few samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from foresight_harness.contracts.records import Record
from foresight_harness.judging.gates.verdict import Reading
from foresight_harness.parts.metrics.corpus_statistics import corpus_statistic
from foresight_harness.parts.statistics.bootstrap import LEVEL, RESAMPLES, resamples
from foresight_harness.parts.statistics.corpus_evidence import Statistic, corpus_interval
from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.parts.statistics.mean_interval import TAILS, Bounds, MeanInterval, mean_interval
from foresight_harness.parts.statistics.paired import ALPHA
from foresight_harness.running.run_folder.run_data import RunData, SampleStats, SampleValues


def reading_of(run: RunData, record: Record, contenders: int = 1) -> Reading | None:
    """The number of a record with its interval, made anew from its samples where it has any.

    Args:
        run: That the record is of.
        record: With a value.
        contenders: Candidates of which the best will count: tails are so many times smaller, so that choosing is free.

    Returns:
        None where there is no number.

    Raises:
        RunFolderError: where the samples are damaged.
    """
    if record.value is None:
        return None
    if (found := run.values(record)) is not None:
        return _mean(found.values, found.groups, _bounds(record), contenders)
    if (matches := run.stats(record)) is not None:
        drawn = resamples(matches.groups, count=record.resamples or RESAMPLES)
        ends = corpus_interval(_statistics(matches), drawn, _bounds(record), tails=_tails(contenders))
        return _reading(ends, contenders)
    return widened(Reading(record.value, record.ci_low, record.ci_high, record.n, record.ci_method), contenders)


def difference_of(run: RunData, first: Record, second: Record, contenders: int = 1) -> Reading | None:
    """First minus second, paired by sample where both have samples; else by opposite ends of the two intervals.

    Raises:
        RunFolderError: where the samples are damaged.
    """
    low, high = _bounds(first)
    bounds: Bounds = (None, None) if low is None or high is None else (low - high, high - low)
    ours, theirs = run.values(first), run.values(second)
    if ours is not None and theirs is not None and ours.samples == theirs.samples:
        return _named("paired", _mean(_apart(ours, theirs), ours.groups, bounds, contenders))
    matched, others = run.stats(first), run.stats(second)
    if matched is not None and others is not None and matched.samples == others.samples:
        drawn = resamples(matched.groups, count=first.resamples or RESAMPLES)
        apart = _statistics_apart(matched, others)
        return _named("paired", _reading(corpus_interval(apart, drawn, bounds, tails=_tails(contenders)), contenders))
    return widened(_opposite(first, second), contenders)


def spread_of(run: RunData, record: Record, contenders: int = 1) -> Reading | None:
    """Standard deviation of a metric from one independent sample to the next, with its interval; None without any."""
    found = run.values(record)
    if found is None:
        return None
    names = list(dict.fromkeys(found.groups))
    averaged = found.mean_over_seeds
    known = ~np.isnan(averaged)
    of_group = np.array([names.index(group) for group in found.groups])[known]
    means = np.array([averaged[known][of_group == place].mean() for place in np.unique(of_group)])
    if len(means) < 3:
        return None
    squares = np.square(means - means.mean()) * len(means) / (len(means) - 1)
    within = mean_interval(squares, [str(place) for place in range(len(means))], (0.0, None), tails=_tails(contenders))
    if within.low is None or within.high is None:
        return None
    ends = [float(np.sqrt(max(0.0, value))) for value in (within.value, within.low, within.high)]
    method = _method(f"spread-{within.method}", contenders)
    return Reading(ends[0], ends[1], ends[2], len(means), method, len(means))


def share_of(hits: int, n: int) -> MeanInterval:
    """A share of things counted, by Clopper and Pearson."""
    return mean_interval([1.0] * hits + [0.0] * (n - hits), [str(place) for place in range(n)], (0.0, 1.0))


def widened(reading: Reading | None, contenders: int) -> Reading | None:
    """An interval without samples, for the best of so many candidates: Bonferroni, by normal quantiles."""
    if reading is None or reading.low is None or reading.high is None or contenders < 2:
        return reading
    factor = float(ndtri(ALPHA / contenders / 2) / ndtri((1 - LEVEL) / 2))
    low = reading.value - factor * (reading.value - reading.low)
    high = reading.value + factor * (reading.high - reading.value)
    return reading._replace(low=low, high=high, method=_method(reading.method or "", contenders))


def _mean(values: Floats, groups: Sequence[str], bounds: Bounds, contenders: int) -> Reading | None:
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = bounds
    if low is not None and defined.min() < low - 1e-6:  # a metric that is not what it says: its end is no help
        low = None
    if high is not None and defined.max() > high + 1e-6:
        high = None
    return _reading(mean_interval(values, groups, (low, high), tails=_tails(contenders)), contenders)


def _reading(found: MeanInterval, contenders: int) -> Reading | None:
    if np.isnan(found.value):
        return None
    return Reading(found.value, found.low, found.high, found.n, _method(found.method, contenders), found.clusters)


def _method(method: str, contenders: int) -> str:
    return method if contenders < 2 else f"{method}, for the best of {contenders}"


def _named(how: str, reading: Reading | None) -> Reading | None:
    return None if reading is None else reading._replace(method=f"{how} {reading.method}")


def _tails(contenders: int) -> tuple[float, float]:
    return TAILS[0] / max(1, contenders), TAILS[1] / max(1, contenders)


def _bounds(record: Record) -> Bounds:
    return record.range[0], record.range[1]


def _apart(ours: SampleValues, theirs: SampleValues) -> Floats:
    """Seed by seed where seeds are equal, else of the means over seeds. [S, n]"""
    if ours.seeds == theirs.seeds:
        return ours.values - theirs.values
    return np.atleast_2d(ours.mean_over_seeds - theirs.mean_over_seeds)


def _statistics(matches: SampleStats) -> list[Statistic]:
    """One a seed."""
    return [corpus_statistic(seed) for seed in matches.stats]


def _statistics_apart(ours: SampleStats, theirs: SampleStats) -> list[Statistic]:
    pairs = zip(_statistics(ours), _statistics(theirs), strict=False)
    return [lambda weights, a=a, b=b: a(weights) - b(weights) for a, b in pairs]  # type: ignore[misc]


def _opposite(first: Record, second: Record) -> Reading | None:
    """A difference without samples in common: it is wider than it need be."""
    if first.value is None or second.value is None:
        return None
    value, n = first.value - second.value, min(first.n, second.n)
    ends = ends_of(first, second)
    if ends is None:
        return Reading(value, None, None, n, None)
    return Reading(value, ends[0] - ends[3], ends[1] - ends[2], n, "difference of opposite ends")


def ends_of(first: Record, second: Record) -> tuple[float, ...] | None:
    """Low and high of the one, low and high of the other; None where one of the intervals is not known."""
    ends = [first.ci_low, first.ci_high, second.ci_low, second.ci_high]
    known = tuple(end for end in ends if end is not None)
    return known if len(known) == len(ends) else None
