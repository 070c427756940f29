"""``foresight-bench rank RUN``: candidates of one metric in tie groups; unequal protocols are refused."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.comparing import NotComparableError
from foresight_harness.judging.analyses.rankings import rank
from foresight_harness.judging.gates.gate import fits
from foresight_harness.planning.registry.registry import nearest
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command.printing import console, print_json, print_table

EXAMPLES = (
    "foresight-bench rank",
    "foresight-bench rank latest --metric iou --dataset shapes",
    "foresight-bench rank RUN --suite reconstruction --metric psnr --candidate 'dinov2*'",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN and which records."""
    parser.add_argument("target", nargs="?", default="latest", metavar="RUN", help="folder, id or latest (default)")
    parser.add_argument("--suite", default="spatial", help="default spatial")
    parser.add_argument("--metric", default="iou", help="default iou")
    parser.add_argument("--dataset", help="default: the first that the metric was measured on")
    parser.add_argument("--probe", help="default: the suite's own")
    parser.add_argument("--candidate", action="append", default=[], metavar="GLOB", help="only these; repeatable")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")


def run(options: argparse.Namespace) -> int:
    """Print the groups; exit 3 where the records may not be ranked together."""
    data = RunData.load(find_run(Path(options.out), options.target))
    records = _chosen(data, options)
    try:
        found = rank(data, records)
    except NotComparableError as error:
        print(f"foresight-bench rank: {error}", file=sys.stderr)
        return 3
    by_name = {record.candidate: record for record in records}
    rows = [_row(place, by_name[name]) for place, group in enumerate(found.groups, start=1) for name in group.members]
    if options.json:
        print_json({"rows": rows, "detectable": found.detectable, "protocol": records[0].protocol})
        return 0
    title = f"{options.suite} {options.metric} on {records[0].dataset}, protocol {records[0].protocol}"
    print_table(title, rows, ("group", "candidate", "role", "value", "interval", "n"))
    if found.detectable is not None:
        console().print(
            f"differences below {found.detectable:.3g} would mostly go unseen in so few samples", markup=False
        )
    return 0


def _chosen(data: RunData, options: argparse.Namespace) -> list[Record]:
    found = data.select(suite=options.suite, metric=options.metric)
    if not found:
        raise UsageError(_absent(data, options))
    dataset, probe = options.dataset or found[0].dataset, options.probe or found[0].probe
    kept = [record for record in found if record.dataset == dataset and record.probe == probe]
    kept = [record for record in kept if fits(record.candidate, options.candidate or ["*"])]
    if not kept:
        raise UsageError(f"no {options.metric} of such a candidate on {dataset} by probe {probe}")
    return [record for record in kept if record.value is not None]


def _absent(data: RunData, options: argparse.Namespace) -> str:
    """What the run holds instead: metrics of that suite, else the suites that have that metric, else its suites."""
    asked = f"no {options.suite} {options.metric} in this run"
    metrics = {record.metric for record in data.records if record.suite == options.suite}
    suites = sorted({record.suite for record in data.records if record.metric == options.metric})
    if suites:
        return f"{asked}; --metric {options.metric} is of --suite {' or '.join(suites)}"
    if metrics:
        return f"{asked}{nearest(options.metric, metrics)}"
    return f"{asked}{nearest(options.suite, {record.suite for record in data.records})}"


def _row(place: int, record: Record) -> dict[str, Any]:
    interval = None if record.ci_low is None else f"[{record.ci_low:.4f}, {record.ci_high:.4f}]"
    value = f"{record.value:.4f}"
    return {
        **{"group": place, "candidate": record.candidate, "role": record.role},
        **{"value": value, "interval": interval, "n": record.n},
    }
