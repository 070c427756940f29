"""``foresight-bench export RUN NAME``: send a finished run to a tracker, again where it failed during the run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from foresight_harness.contracts.errors import RunFolderError, UsageError
from foresight_harness.running.exporters import check_exports, check_installed
from foresight_harness.running.lifecycle.status import ENDED
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command.printing import console, print_json

EXAMPLES = (
    "foresight-bench export latest mlflow",
    "foresight-bench export RUN wandb trackio",
    "foresight-bench export latest mlflow --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, NAME and more of them."""
    parser.add_argument("run", metavar="RUN", help="run folder, id or latest")
    parser.add_argument("names", metavar="NAME", nargs="+", help="mlflow, trackio or wandb, as for pytest --export")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")


def run(options: argparse.Namespace) -> int:
    """Send every record, note it in ``run.json``, print where they are. 0 all sent, 1 an exporter failed."""
    from foresight_harness.running.exporters.run_exporters import sent_again

    check_exports(options.names, "exporter")
    check_installed(options.names, "exporter")
    found = RunData.load(find_run(Path(options.out), options.run))
    status = found.manifest.get("status")
    if status not in ENDED:
        raise UsageError(f"{found.path.name} is {status}, not finished; it sends its records itself (--export)")
    if not found.all_records:
        raise UsageError(f"{found.path.name} holds no record: there is nothing to send")
    sent = sent_again(found, options.names)
    try:
        sent.note(found.path)
    except RunFolderError as error:  # an archive may be read-only, and what was sent was sent
        print(f"foresight-bench export: not noted in run.json: {error}", file=sys.stderr)
    for line in sent.exporters.sentences():
        print(f"foresight-bench export: {line}", file=sys.stderr)
    if options.json:
        print_json({"run": str(found.path), "exporters": sent.exporters.facts()})
    else:
        for line in sent.exporters.places():
            console().print(line, markup=False, highlight=False, soft_wrap=True)
    return 1 if sent.exporters.failures else 0
