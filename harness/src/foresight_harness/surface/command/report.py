"""``foresight-bench report RUN...``: render run folders again, through the installed report writer."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foresight_harness.judging.comparison.against import compare_all
from foresight_harness.judging.comparison.sentinels import read_sentinels, sentinel_file
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.surface.command.printing import console, print_json
from foresight_harness.surface.report_writers import rendering_error, reporter

OUTPUT = "default report.html in the run folder; of several runs comparison.html here: it belongs to none of them"
EXAMPLES = (
    "foresight-bench report",
    "foresight-bench report latest RUN -o both.html",
    "foresight-bench report latest --tables tables",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN..., ``-o``, ``--folder``, ``--tables``."""
    parser.add_argument("runs", nargs="*", metavar="RUN", help="run folder, id or latest; default latest")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=OUTPUT)
    parser.add_argument("--folder", action="store_true", help="write a folder with pictures beside the page")
    parser.add_argument("--sentinels", type=Path, metavar="FILE", help="of several runs; default as compare's")
    parser.add_argument("--tables", type=Path, metavar="DIR", help="write every table of the first run as CSV and JSON")


def run(options: argparse.Namespace) -> int:
    """Write and print the path."""
    runs = [find_run(Path(options.out), name) for name in options.runs or ["latest"]]
    compared = _compared(runs, options.sentinels)
    writer = reporter("html")
    try:
        written = writer(runs, options.output, options.folder, **({"comparisons": compared} if compared else {}))
        tables = reporter("tables")(runs[0], options.tables) if options.tables else []
    except Exception as error:
        raise rendering_error(error) from error
    if options.json:
        named = [str(table) for table in tables]
        print_json({"report": str(written), "tables": named, **({"comparisons": compared} if compared else {})})
        return 0
    console().print(f"report: {written}", markup=False)
    if tables:
        console().print(f"tables: {len(tables)} files in {options.tables}", markup=False)
    return 0


def _compared(runs: Sequence[Path], sentinels: Path | None) -> list[dict[str, Any]]:
    """The first run against each other one, as ``compare`` judges them: the page judges nothing itself."""
    if len(runs) < 2:
        return []
    known = read_sentinels(sentinels or sentinel_file([Path("benchmarks")]))
    return [found.as_json() for found in compare_all(runs[0], runs[1:], known)]
