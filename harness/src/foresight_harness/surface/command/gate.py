"""``foresight-bench gate RUN [NAME...]``: judge a run by gates, after the fact."""

from __future__ import annotations

import argparse
from pathlib import Path

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.analyses.gates import as_analysis
from foresight_harness.judging.gates.answers import template
from foresight_harness.judging.gates.evaluate import GateResult, evaluate
from foresight_harness.judging.gates.gate_files import answers_of, find_gates
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
    """RUN, NAME..., ``--answers``, ``--answers-template``, ``--out``."""
    parser.add_argument("target", metavar="RUN", nargs="?", help="run folder, id or latest")
    parser.add_argument("names", nargs="*", metavar="NAME", help="gate of benchmarks/gates, or a file; default all")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="what only people can know, in TOML")
    parser.add_argument(
        "--answers-template",
        action="append",
        default=[],
        metavar="NAME",
        help="print a file of answers to be filled in for this gate, or for all; needs no RUN; repeatable",
    )


def run(options: argparse.Namespace) -> int:
    """Print the verdicts, or a file of answers to be filled in."""
    registry = load_registry()
    if options.answers_template:
        gates = find_gates(options.answers_template, folders_of("gates"), registry)
        text = template(gates)
        if options.json:
            print_json({"template": text})
        else:
            print(text)
        return 0
    if options.target is None:
        raise UsageError("no RUN was named; name a run folder, an id or latest")
    if not options.names and not folders_of("gates"):
        raise UsageError("no gate was named and there is no benchmarks/gates; name a gate file")
    gates = find_gates(options.names or ["all"], folders_of("gates"), registry)
    answers = answers_of(options.answers, gates, folders_of("gates"), registry)
    data = RunData.load(find_run(Path(options.out), options.target))
    results = [evaluate(gate, data, answers) for gate in gates]
    if options.json:
        print_json(as_analysis(results).as_json())
        return exit_code(results)
    for result in results:
        _print(result, with_rows=len(results) == 1)
    return exit_code(results)


def _print(result: GateResult, *, with_rows: bool) -> None:
    rows = as_analysis([result]).as_json()["rows"] if with_rows else []
    if rows:
        print_table(f"{result.gate.title} ({result.gate.source})", rows, SHOWN)
    console().print(f"{result.gate.name}: {result.verdict}. {result.sentence}", markup=False, highlight=False)
    for name, (sure, possible) in (result.scores or {}).items():
        console().print(f"  {name}: {100 * sure:.0f} to {100 * possible:.0f} % of the weights met", markup=False)


def exit_code(results: list[GateResult]) -> int:
    """0 where all are GO, 1 where one is NO-GO, else 3."""
    verdicts = {result.verdict for result in results}
    return 1 if "NO-GO" in verdicts else 0 if verdicts == {"GO"} else 3
