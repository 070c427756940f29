"""``foresight-bench history --cell GLOB --metric M``: one number over all runs, and where its level changed."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

from foresight_harness.cli.show import console, print_json, print_table
from foresight_harness.errors import UsageError
from foresight_harness.regression.index import Number, numbers, refresh
from foresight_harness.regression.steps import find_steps

NAME = "history"
HELP = "one number over all runs, and the commits between which its level changed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Cell, metric, form."""
    parser.add_argument("--cell", required=True, metavar="GLOB", help="candidates")
    parser.add_argument("--metric", required=True)
    parser.add_argument("--suite", default="*", metavar="GLOB")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where runs lie; default runs")
    parser.add_argument("--csv", action="store_true", help="print every point as CSV")


def run(options: argparse.Namespace) -> int:
    """Bring the index up to date, print every series, oldest point first."""
    runs = Path(options.out)
    if not runs.is_dir():
        raise UsageError(f"--out {runs}: no such folder; name the one that holds the runs")
    for line in refresh(runs):
        print(f"foresight-bench history: {line}", file=sys.stderr)
    found: dict[tuple[str, ...], list[Number]] = {}
    for number in numbers(runs, options.cell, options.metric, options.suite):
        found.setdefault(number.series, []).append(number)
    if not found:
        raise UsageError(f"no run in {runs} holds {options.metric} of a candidate like {options.cell!r}")
    series: list[dict[str, Any]] = [
        {**_named(points[0]), "points": points, "steps": steps_of(points)} for points in found.values()
    ]
    if options.csv:
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(Number._fields)
        table.writerows(point for one in series for point in one["points"])
    elif options.json:
        print_json({"series": [{**one, "points": [point._asdict() for point in one["points"]]} for one in series]})
    else:
        _show(series)
    return 0


def steps_of(points: list[Number]) -> list[dict[str, Any]]:
    """Steps of one series, with the last commit of the old level and the first of the new one."""
    steps = []
    for place, before, after in find_steps([point.value for point in points]):
        better = (after > before) == (points[0].direction == "higher")
        last, first = points[place - 1], points[place]
        commits = {"after_commit": last.sha, "by_commit": first.sha, "run": first.run}
        steps.append({"before": before, "after": after, "verdict": "better" if better else "worse", **commits})
    return steps


def _named(point: Number) -> dict[str, str]:
    return {key: getattr(point, key) for key in ("candidate", "suite", "dataset", "metric", "probe", "protocol")}


def _show(series: list[dict[str, Any]]) -> None:
    for one in series:
        title = f"{one['metric']} of {one['candidate']}, {one['suite']} on {one['dataset']}, protocol {one['protocol']}"
        rows = [{**point._asdict(), "sha": point.sha[:7]} for point in one["points"]]
        print_table(title, rows, ["started", "sha", "value", "low", "high", "run"])
        for step in one["steps"]:
            commits = f"after {step['after_commit'][:7]}, by {step['by_commit'][:7]}"
            said = f"{step['verdict']}: {step['before']:.4g} became {step['after']:.4g} {commits} ({step['run']})"
            console().print(said, markup=False)
