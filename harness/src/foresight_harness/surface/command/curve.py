"""``foresight-bench curve RUN...``: one number over training size, picture side or adapter size, with intervals."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foresight_harness.judging.analyses.comparing import NotComparableError
from foresight_harness.judging.curves.curve import AXES, Curves, curves_of
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command.choosing import chosen
from foresight_harness.surface.command.printing import console, print_json, print_table
from foresight_harness.surface.report_writers import rendering_error, reporter

EXAMPLES = (
    "foresight-bench curve RUN RUN RUN",
    "foresight-bench curve RUN RUN --over side --metric iou -o side.svg",
    "foresight-bench curve RUN --over adapter --suite reconstruction --metric psnr",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN..., what over, and which records."""
    parser.add_argument("targets", nargs="+", metavar="RUN", help="run folders or ids that differ in one choice")
    parser.add_argument("--over", choices=sorted(AXES), default="train", help="what the curve is drawn over")
    parser.add_argument("--suite", metavar="NAME", help="default: the first that has the metric")
    parser.add_argument("--metric", metavar="NAME", default="iou", help="default iou")
    parser.add_argument("--dataset", metavar="NAME[:PATH]", help="default: the first that the metric was measured on")
    parser.add_argument("--probe", metavar="NAME", help="default: the suite's own")
    parser.add_argument("--candidate", action="append", default=[], metavar="GLOB", help="only these; repeatable")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="draw it too, as SVG, PNG or PDF")


def run(options: argparse.Namespace) -> int:
    """Print the table and draw; exit 3 where the runs differ in more than the one choice."""
    runs = [RunData.load(find_run(Path(options.out), target)) for target in options.targets]
    try:
        found = curves_of([(data, chosen(data, options)) for data in runs], options.over)
    except NotComparableError as error:
        print(f"foresight-bench curve: {error}", file=sys.stderr)
        return 3
    written = None if options.output is None else _drawn(found, options.output)
    if options.json:
        print_json(found.as_json() | {"figure": None if written is None else str(written)})
        return 0
    facts = found.facts
    title = f"{facts.suite} {facts.metric} on {facts.dataset} over {found.over.label}"
    print_table(title, list(_rows(found)), ("candidate", found.over.label, "value", "interval", "n", "run"))
    for curve in found.curves:
        if curve.rise is not None:
            value, low, high = curve.rise
            ends = "" if low is None or high is None else f" [{low:+.4f}, {high:+.4f}]"
            first, last = curve.points[0].x, curve.points[-1].x
            said = (
                f"{curve.candidate}: {value:+.4f}{ends} from {first:g} to {last:g} {found.over.unit}, paired by sample"
            )
            console().print(said, markup=False, highlight=False)
    if written is not None:
        console().print(f"figure: {written}", markup=False)
    return 0


def _drawn(found: Curves, output: Path) -> Path:
    """Raises: UsageError."""
    try:
        return Path(reporter("curve")(found.as_json(), output))
    except Exception as error:
        raise rendering_error(error) from error


def _rows(found: Curves) -> Iterator[dict[str, Any]]:
    for curve in found.curves:
        for point in curve.points:
            ends = None if point.low is None or point.high is None else f"[{point.low:.4f}, {point.high:.4f}]"
            yield {
                "candidate": curve.candidate,
                found.over.label: f"{point.x:g}",
                "value": f"{point.value:.4f}",
                "interval": ends,
                "n": point.n,
                "run": point.run,
            }
