"""Value, interval and count of a measurement, from its per-sample values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foresight_harness.stats.bootstrap import bootstrap_mean
from foresight_harness.suites.measurement import Measurement

Summary = tuple[float | None, tuple[float, float, str] | None, int]


def summary_of(measurement: Measurement, groups: Sequence[str], resamples: int) -> Summary:
    """Summarise one measurement.

    Args:
        measurement: With per-sample values, or a value of its own.
        groups: Cluster of each sample.
        resamples: Bootstrap resamples.

    Returns:
        Value, (low, high, method) of its 95 % interval or None, and the number of samples behind it.
    """
    if measurement.values is None:
        interval = measurement.interval
        named = (*interval, measurement.interval_method or "") if interval else None
        return measurement.value, named, measurement.n or 0
    defined = np.asarray(~np.isnan(measurement.values).all(axis=0))
    if not defined.any():
        return None, None, 0
    samples = np.nanmean(measurement.values[:, defined], axis=0)
    clusters = [group for group, kept in zip(groups, defined.tolist(), strict=True) if kept]
    found = bootstrap_mean(samples, clusters, count=resamples).interval
    named = (found.low, found.high, found.method) if found is not None else None
    return float(samples.mean()), named, int(defined.sum())
