"""``foresight-bench figure RUN NAME``: one figure of a run as SVG or PNG, through the installed report writer."""

from __future__ import annotations

import argparse
from pathlib import Path

from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.surface.command.printing import console, print_json
from foresight_harness.surface.report_writers import rendering_error, reporter

EXAMPLES = (
    "foresight-bench figure latest audit",
    "foresight-bench figure latest tradeoff -o tradeoff.pdf",
    "foresight-bench figure RUN layers-2 -o layers.png",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, NAME, ``-o``."""
    parser.add_argument("target", metavar="RUN", help="run folder, id or latest")
    parser.add_argument("name", metavar="NAME", help="such as audit, tradeoff or layers-2; an unknown one lists all")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default NAME.svg here")


def run(options: argparse.Namespace) -> int:
    """Draw and print the path."""
    folder = find_run(Path(options.out), options.target)
    try:
        written = reporter("figure")(folder, options.name, options.output or Path(f"{options.name}.svg"))
    except Exception as error:
        raise rendering_error(error) from error
    if options.json:
        print_json({"figure": str(written)})
    else:
        console().print(f"figure: {written}", markup=False)
    return 0
