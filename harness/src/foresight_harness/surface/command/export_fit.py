"""``foresight-bench export-fit RUN CANDIDATE -o DIR``: what was fitted for a candidate, to run without the harness."""

from __future__ import annotations

import argparse
from pathlib import Path

from foresight_harness.contracts.progress import silent
from foresight_harness.planning.registry import load_registry
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command.printing import console, print_json

EXAMPLES = (
    "foresight-bench export-fit latest 'dinov2_tiny@last/*' -o adapter",
    "foresight-bench export-fit RUN CANDIDATE -o adapter --part latents --dataset shapes --seed 1",
    "foresight-bench export-fit latest CANDIDATE -o adapter --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, CANDIDATE, where to and what of it."""
    parser.add_argument("target", metavar="RUN", help="run folder, id or latest")
    parser.add_argument("candidate", metavar="CANDIDATE", help="candidate string, or a glob that one candidate fits")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder to write; new or empty")
    parser.add_argument(
        "--part",
        action="append",
        default=[],
        choices=("latents", "places"),
        help="repeatable: adapter into the decoder, or modules and probe of the spatial suite; default what was scored",
    )
    parser.add_argument("--dataset", metavar="NAME[:PATH]", help="whose fit; default the first that it was scored on")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the fit; default 0")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")


def run(options: argparse.Namespace) -> int:
    """Write the folder and say what is in it."""
    from foresight_harness.surface.fit_export.obtaining import candidate_of
    from foresight_harness.surface.fit_export.writing import Wish, export_fit, require_free, sizes

    folder = Path(options.output)
    require_free(folder)
    data = RunData.load(find_run(Path(options.out), options.target))
    name = candidate_of(data, options.candidate)
    wish = Wish(name, tuple(dict.fromkeys(options.part)), options.dataset, options.seed)
    content = export_fit(data, wish, folder, load_registry(), silent())
    if options.json:
        print_json({"folder": str(folder), **content})
        return 0
    for line in sizes(content):
        console().print(line, markup=False, highlight=False)
    console().print(f"{folder}: README.md says what it is; load.py runs it", markup=False, highlight=False)
    return 0
