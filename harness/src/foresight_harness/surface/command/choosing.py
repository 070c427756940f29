"""Records that a verb is about, by suite, metric, data set, probe and candidate."""

from __future__ import annotations

import argparse

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.records import Record
from foresight_harness.judging.gates.gate import fits
from foresight_harness.planning.registry.registry import nearest
from foresight_harness.running.run_folder.run_data import RunData


def chosen(data: RunData, options: argparse.Namespace) -> list[Record]:
    """Records with a value of one metric on one data set, floors and twins beside the candidates.

    Raises:
        UsageError: where there are none.
    """
    suite = options.suite or _suite_of(data, options.metric)
    found = data.select(suite=suite, metric=options.metric)
    if not found:
        raise UsageError(_absent(data, suite, options.metric))
    dataset, probe = options.dataset or found[0].dataset, options.probe or found[0].probe
    kept = [record for record in found if record.dataset == dataset and record.probe == probe]
    kept = [record for record in kept if fits(record.candidate, options.candidate or ["*"])]
    if not kept:
        raise UsageError(f"no {options.metric} of such a candidate on {dataset} by probe {probe}")
    return [record for record in kept if record.value is not None]


def _absent(data: RunData, suite: str, metric: str) -> str:
    """What the run holds instead: suites that have that metric, else metrics of that suite, else its suites."""
    asked = f"no {suite} {metric} in this run"
    having = sorted({record.suite for record in data.records if record.metric == metric})
    if having:
        return f"{asked}; --metric {metric} is of --suite {' or '.join(having)}"
    metrics = {record.metric for record in data.records if record.suite == suite}
    return f"{asked}{nearest(metric, metrics) if metrics else nearest(suite, {one.suite for one in data.records})}"


def _suite_of(data: RunData, metric: str) -> str:
    """The first suite, in the order of reports, that has the metric; ``spatial`` where none has."""
    having = {record.suite for record in data.records if record.metric == metric}
    known = [name for name in data.suites if name in having]
    return min(known or sorted(having), key=lambda name: _order(data, name), default="spatial")


def _order(data: RunData, suite: str) -> int:
    facts = data.suites.get(suite)
    return facts.order if facts is not None else 1000
