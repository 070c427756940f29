"""``foresight-bench aa RUN``: what reruns of unchanged code differ by, as tolerances for the sentinel file."""

from __future__ import annotations

import argparse
from pathlib import Path

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.comparison.noise import clean, floors, reruns
from foresight_harness.judging.comparison.sentinels import read_sentinels, sentinel_file
from foresight_harness.planning.named_files import places
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command.printing import console, print_json, print_table

EXAMPLES = (
    "foresight-bench aa latest",
    "foresight-bench aa latest --out runs --dirty",
    "foresight-bench aa RUN --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN and where its reruns lie."""
    parser.add_argument("run", metavar="RUN", help="run folder, id or latest")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where its reruns lie; default runs")
    parser.add_argument("--sentinels", type=Path, metavar="FILE", help="default benchmarks/sentinels.toml")
    parser.add_argument("--dirty", action="store_true", help="take runs of changed trees too: you know they are alike")


def run(options: argparse.Namespace) -> int:
    """Compare all pairs of reruns, print the largest difference of each sentinel metric."""
    runs = Path(options.out)
    of = RunData.load(find_run(runs, options.run))
    if not (options.dirty or clean(of)):
        raise UsageError(f"{of.path.name} is of a changed working tree; commit and run again, or say --dirty")
    found = reruns(runs, of, dirty=options.dirty)
    if len(found) < 2:
        command = of.manifest.get("command", "pytest benchmarks/")
        raise UsageError(f"no other complete run of that commit and machine in {runs}; repeat {command!r} first")
    noise = floors(found, read_sentinels(options.sentinels or sentinel_file(places())))
    if not noise:
        raise UsageError(f"the {len(found)} runs share no sentinel that can be compared")
    if options.json:
        print_json({"runs": [each.path.name for each in found], "noise": [one._asdict() for one in noise]})
        return 0
    print_table(f"{len(found)} runs of one commit", [one._asdict() for one in noise], list(noise[0]._fields))
    console().print()
    console().print("[tolerance]", markup=False)
    for one in noise:
        console().print(f"{one.metric} = {one.suggested:g}", markup=False)
    return 0
