"""``foresight-bench verify RUN``: compute a run's statistics and conclusions again from its samples."""

from __future__ import annotations

import argparse
from pathlib import Path

from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.surface.command.printing import console, print_json

EXAMPLES = (
    "foresight-bench verify",
    "foresight-bench verify RUN --out /data/runs",
    "foresight-bench verify latest --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, ``--out``."""
    parser.add_argument("target", nargs="?", default="latest", metavar="RUN", help="folder, id or latest (default)")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")


def run(options: argparse.Namespace) -> int:
    """Print what differs, a line each, and what was checked."""
    path = find_run(Path(options.out), options.target)
    found = verify(path)
    if options.json:
        print_json({"run": path.name, **vars(found)})
        return 1 if found.problems else 0
    for line in found.older:
        console().print(line, style="yellow", markup=False, highlight=False)
    for problem in found.problems:
        console().print(problem, style="red", markup=False, highlight=False)
    console().print(
        f"{path.name}: {len(found.problems)} differences; {found.records} records recomputed from samples, "
        f"{found.analyses} analyses; {found.whole} numbers of whole splits (CKA, latency, counts) have no samples",
        markup=False,
        highlight=False,
    )
    console().print(
        "not sealed: changes that keep to the numbers cannot be seen"
        if found.seal is None
        else f"seal: {found.seal}; written down elsewhere, it shows that nobody has sealed the run anew",
        markup=False,
        highlight=False,
    )
    return 1 if found.problems else 0
