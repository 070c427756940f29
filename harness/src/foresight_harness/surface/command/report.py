"""``foresight-bench report RUN...``: render run folders again, through the installed report writer."""

from __future__ import annotations

import argparse
from pathlib import Path

from foresight_harness.contracts.errors import UsageError
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.surface.command.printing import console, print_json
from foresight_harness.surface.report_writers import is_for_the_user, reporter

EXAMPLES = (
    "foresight-bench report",
    "foresight-bench report latest RUN -o both.html",
    "foresight-bench report latest --tables tables",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN..., ``-o``, ``--folder``, ``--tables``."""
    parser.add_argument("runs", nargs="*", metavar="RUN", help="run folder, id or latest; default latest")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default report.html in the run folder")
    parser.add_argument("--folder", action="store_true", help="write a folder with pictures beside the page")
    parser.add_argument("--tables", type=Path, metavar="DIR", help="write every table of the first run as CSV and JSON")


def run(options: argparse.Namespace) -> int:
    """Write and print the path."""
    runs = [find_run(Path(options.out), name) for name in options.runs or ["latest"]]
    writer = reporter("html")
    try:
        written = writer(runs, options.output, options.folder)
        tables = reporter("tables")(runs[0], options.tables) if options.tables else []
    except Exception as error:
        if not is_for_the_user(error):
            raise
        raise UsageError(str(error)) from error
    if options.json:
        print_json({"report": str(written), "tables": [str(table) for table in tables]})
        return 0
    console().print(f"report: {written}", markup=False)
    if tables:
        console().print(f"tables: {len(tables)} files in {options.tables}", markup=False)
    return 0
