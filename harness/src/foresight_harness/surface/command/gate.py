"""``foresight-bench gate RUN [NAME...]``: judge a run by gates, after the fact."""

from __future__ import annotations

import argparse
from pathlib import Path

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.analyses.gates import as_analysis
from foresight_harness.judging.gates.evaluate import GateResult, evaluate
from foresight_harness.judging.gates.gate_files import find_gates
from foresight_harness.planning.named_files import folders_of
from foresight_harness.planning.registry import load_registry
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command.printing import console, print_json, print_table

EXAMPLES = (
    "foresight-bench gate latest",
    "foresight-bench gate latest premerge_phase1",
    "foresight-bench gate RUN gates/ours.toml --json",
)
SHOWN = ("rule", "candidate", "dataset", "verdict", "reason", "source")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, NAME..., ``--out``."""
    parser.add_argument("target", metavar="RUN", help="run folder, id or latest")
    parser.add_argument("names", nargs="*", metavar="NAME", help="gate of benchmarks/gates, or a file; default all")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")


def run(options: argparse.Namespace) -> int:
    """Print the verdicts."""
    folders = folders_of("gates")
    if not options.names and not folders:
        raise UsageError("no gate was named and there is no benchmarks/gates; name a gate file")
    gates = find_gates(options.names or ["all"], folders, load_registry())
    data = RunData.load(find_run(Path(options.out), options.target))
    results = [evaluate(gate, data) for gate in gates]
    if options.json:
        print_json(as_analysis(results).as_json())
        return exit_code(results)
    for result in results:
        rows = [row for row in as_analysis([result]).as_json()["rows"] if len(results) == 1]
        if rows:
            print_table(f"{result.gate.title} ({result.gate.source})", rows, SHOWN)
        console().print(f"{result.gate.name}: {result.verdict}. {result.sentence}", markup=False, highlight=False)
        for name, (sure, possible) in (result.scores or {}).items():
            console().print(f"  {name}: {100 * sure:.0f} to {100 * possible:.0f} % of the weights met", markup=False)
    return exit_code(results)


def exit_code(results: list[GateResult]) -> int:
    """0 where all are GO, 1 where one is NO-GO, else 3."""
    verdicts = {result.verdict for result in results}
    return 1 if "NO-GO" in verdicts else 0 if verdicts == {"GO"} else 3
