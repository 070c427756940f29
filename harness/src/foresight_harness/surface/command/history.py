"""``foresight-bench history --candidate GLOB --metric M``: one number over all runs, and where its level changed."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.comparison.index import Number, numbers, refresh
from foresight_harness.judging.comparison.steps import find_steps
from foresight_harness.surface.command.printing import console, print_json, print_table
from foresight_harness.surface.report_writers import reporter

EXAMPLES = (
    "foresight-bench history --candidate 'dinov2*' --metric iou",
    "foresight-bench history --candidate '*' --metric psnr --suite reconstruction --csv",
    "foresight-bench history --candidate 'dinov2*' --metric iou --html -o history.html",
)
NAMED = ("candidate", "suite", "dataset", "metric", "probe", "protocol", "weights")
"""Fields that name a series."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Cell, metric, form."""
    parser.add_argument(
        "--candidate", "--cell", required=True, metavar="GLOB", help="candidates; --cell is its older name"
    )
    parser.add_argument("--metric", metavar="NAME", required=True, help="any that runs hold, such as iou")
    parser.add_argument("--suite", default="*", metavar="GLOB")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where runs lie; default runs")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print every point as CSV")
    form.add_argument("--html", action="store_true", help="write a page, through the installed report writer")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="of --html; default history.html here")


def run(options: argparse.Namespace) -> int:
    """Bring the index up to date, print every series, oldest point first."""
    runs = Path(options.out)
    if options.output and not options.html:
        raise UsageError(f"-o {options.output}: only --html writes a file; add --html, or send the output there by >")
    if not runs.is_dir():
        raise UsageError(f"--out {runs}: no such folder; name the one that holds the runs")
    for line in refresh(runs):
        print(f"foresight-bench history: {line}", file=sys.stderr)
    found: dict[tuple[str, ...], list[Number]] = {}
    for number in numbers(runs, options.candidate, options.metric, options.suite):
        found.setdefault(number.series, []).append(number)
    if not found:
        raise UsageError(f"no run in {runs} holds {options.metric} of a candidate like {options.candidate!r}")
    series: list[dict[str, Any]] = [
        {**_named(points[0]), "points": points, "steps": steps_of(points)} for points in found.values()
    ]
    if options.html:
        _write(series, options)
    elif options.csv:
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(Number._fields)
        table.writerows(point for one in series for point in one["points"])
    elif options.json:
        print_json({"series": _plain(series)})
    else:
        _show(series)
    return 0


def _plain(series: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The series in JSON's types."""
    return [{**one, "points": [point._asdict() for point in one["points"]]} for one in series]


def _write(series: list[dict[str, Any]], options: argparse.Namespace) -> None:
    try:
        page = reporter("history")(_plain(series), options.output or Path("history.html"))
    except OSError as error:
        raise UsageError(f"-o {options.output}: cannot be written ({error.strerror}); name another file") from error
    if options.json:
        print_json({"page": str(page)})
    else:
        console().print(f"page: {page}", markup=False)


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
    return {
        key: getattr(point, key) for key in ("candidate", "suite", "dataset", "metric", "probe", "protocol", "weights")
    }


def _show(series: list[dict[str, Any]]) -> None:
    for one in series:
        weights = f" ({one['weights']} weights)" if one["weights"] else ""
        place = f"{one['suite']} on {one['dataset']}, protocol {one['protocol']}"
        title = f"{one['metric']} of {one['candidate']}{weights}, {place}"
        rows = [{**point._asdict(), "sha": point.sha[:7]} for point in one["points"]]
        print_table(title, rows, ["started", "sha", "value", "low", "high", "run"])
        for step in one["steps"]:
            commits = f"after {step['after_commit'][:7]}, by {step['by_commit'][:7]}"
            said = f"{step['verdict']}: {step['before']:.4g} became {step['after']:.4g} {commits} ({step['run']})"
            console().print(said, markup=False)
