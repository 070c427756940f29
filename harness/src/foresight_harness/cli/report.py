"""``foresight-bench report RUN...``: render run folders again, through the installed report writer."""

from __future__ import annotations

import argparse
from importlib.metadata import entry_points
from pathlib import Path

from foresight_harness.cli.show import console, print_json
from foresight_harness.errors import UsageError
from foresight_harness.run.folder import find_run

NAME = "report"
HELP = "write the HTML report of one or more runs"
GROUP = "foresight_report"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN..., ``-o``, ``--folder``."""
    parser.add_argument("runs", nargs="*", metavar="RUN", help="run folder, id or latest; default latest")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default report.html in the run folder")
    parser.add_argument("--folder", action="store_true", help="write a folder with pictures beside the page")


def run(options: argparse.Namespace) -> int:
    """Write and print the path."""
    runs = [find_run(Path(options.out), name) for name in options.runs or ["latest"]]
    points = entry_points(group=GROUP)
    if not points:
        raise UsageError("no report writer is installed; pip install foresight-reports")
    writer = next(iter(points)).load()
    try:
        written = writer(runs, options.output, options.folder)
    except Exception as error:
        if type(error).__name__ != "ReportError":
            raise
        raise UsageError(str(error)) from error
    if options.json:
        print_json({"report": str(written)})
    else:
        console().print(f"report: {written}", markup=False)
    return 0
