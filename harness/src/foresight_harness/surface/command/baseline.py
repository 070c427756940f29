"""``foresight-bench baseline list|promote``: what later runs are compared with."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.comparison import baselines
from foresight_harness.judging.comparison.acknowledging import parse_acknowledgement
from foresight_harness.judging.comparison.against import require_complete, target_of
from foresight_harness.judging.comparison.comparing import compare, covered, regressed
from foresight_harness.judging.comparison.outputs import sentence
from foresight_harness.judging.comparison.sentinels import read_sentinels, sentinel_file
from foresight_harness.planning.named_files import places
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command.printing import console, print_json, print_table

EXAMPLES = (
    "foresight-bench baseline list",
    "foresight-bench baseline promote latest --name main --reason 'first release'",
    "foresight-bench baseline promote RUN --pin --reason 'to see slow slides'",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``list`` or ``promote RUN --name NAME --reason TEXT``."""
    parser.add_argument("action", choices=("list", "promote"))
    parser.add_argument("run", nargs="?", metavar="RUN", help="run folder, id or latest; for promote")
    parser.add_argument("--name", default="main", metavar="NAME", help="default main")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; needed for promote")
    parser.add_argument(
        "--ack",
        action="append",
        default=[],
        metavar="GLOB|METRIC|REASON|DATE[|AT_MOST]",
        help="accept a worse number until a date (repeatable)",
    )
    parser.add_argument("--pin", action="store_true", help="keep it against later promotions, to see slow slides")
    parser.add_argument("--replace-pinned", action="store_true")
    parser.add_argument("--out", default="runs", metavar="DIR")
    parser.add_argument("--sentinels", type=Path, metavar="FILE", help="default benchmarks/sentinels.toml")


def run(options: argparse.Namespace) -> int:
    """List or promote."""
    runs = Path(options.out)
    return _list(options, runs) if options.action == "list" else _promote(options, runs)


def _list(options: argparse.Namespace, runs: Path) -> int:
    found = [baselines.current(runs, name) for name in baselines.names(runs)]
    refused = [line for name in baselines.names(runs) for line in baselines.damaged(runs, name)]
    if options.json:
        print_json({"baselines": [each.as_json() for each in found], "refused": refused})
        return 0
    rows = [{**each.as_json(), "acknowledged": len(each.acknowledged)} for each in found]
    print_table(
        f"{len(rows)} baselines", rows, ["name", "run", "at", "promoted_by", "reason", "acknowledged", "pinned"]
    )
    for line in refused:
        console().print(line, style="red", markup=False)
    return 0


def _promote(options: argparse.Namespace, runs: Path) -> int:
    if options.run is None:
        raise UsageError(
            "baseline promote needs a RUN: foresight-bench baseline promote latest --name main --reason ..."
        )
    run = find_run(runs, options.run)
    head = RunData.load(run)
    require_complete(head)
    acknowledged = tuple(parse_acknowledgement(text) for text in options.ack)
    if options.name in baselines.names(runs):
        target = target_of(runs, f"baseline:{options.name}")
        sentinels = read_sentinels(options.sentinels or sentinel_file(places()))
        known = (*target.acknowledged, *acknowledged)
        found = compare(RunData.load(target.path), head, sentinels, known)
        bad = regressed(found)
        if bad:
            raise UsageError(
                f"{run.name} is not promoted: {len(bad)} sentinels regressed against {options.name}, first "
                f"{sentence(bad[0])}; mend it, or accept it for a while with --ack"
            )
        # What this run already holds is used up: against it, a further drop is a regression again.
        acknowledged = tuple(
            replace(one, spent=one.spent or any(covered(one, number) for number in found))
            for one in known
            if not one.expired
        )
    made = baselines.promote(
        runs,
        run,
        options.name,
        options.reason,
        acknowledged,
        pinned=options.pin,
        replace_pinned=options.replace_pinned,
    )
    if options.json:
        print_json(made.as_json())
    else:
        console().print(f"baseline {made.name} is {made.run} (number {made.number})", markup=False)
    return 0
