"""``foresight-bench rank RUN``: which candidates can be the best by one metric; unequal protocols are refused."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.comparing import NotComparableError
from foresight_harness.judging.ranking.judged import Judged, judge
from foresight_harness.judging.ranking.saying import everything
from foresight_harness.judging.ranking.scores import kind_of
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command.choosing import chosen
from foresight_harness.surface.command.printing import console, print_json, print_table

COLUMNS = ("place", "letters", "candidate", "role", "tokens", "value", "interval", "n")
EXAMPLES = (
    "foresight-bench rank",
    "foresight-bench rank latest --metric iou --dataset shapes",
    "foresight-bench rank RUN --suite reconstruction --metric psnr --candidate 'dinov2*'",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN and which records."""
    parser.add_argument("target", nargs="?", default="latest", metavar="RUN", help="folder, id or latest (default)")
    parser.add_argument("--suite", metavar="NAME", help="default: the first that has the metric")
    parser.add_argument(
        "--metric", metavar="NAME", default="iou", help="default iou; any that the run holds, map50 too"
    )
    parser.add_argument("--dataset", metavar="NAME[:PATH]", help="default: the first that the metric was measured on")
    parser.add_argument("--probe", metavar="NAME", help="default: the suite's own")
    parser.add_argument("--candidate", action="append", default=[], metavar="GLOB", help="only these; repeatable")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")


def run(options: argparse.Namespace) -> int:
    """Print the board; exit 3 where the records may not be ranked together, or nothing can tell them apart."""
    data = RunData.load(find_run(Path(options.out), options.target))
    records = chosen(data, options)
    try:
        found = judge(data, records)
    except NotComparableError as error:
        print(f"foresight-bench rank: {error}", file=sys.stderr)
        return 3
    rows = _rows(found)
    if options.json:
        print_json(_as_json(found, rows))
        return 0
    first = found.any_record
    print_table(f"{first.suite} {first.metric} on {first.dataset}, protocol {first.protocol}", rows, COLUMNS)
    for line in everything(found):
        console().print(line, markup=False, highlight=False)
    if len(found.records) > 1:
        console().print("Two candidates share a letter where they are not told apart.", markup=False)
    if found.detectable is not None:
        console().print(
            f"differences below {found.detectable:.3g} would mostly go unseen in so few samples", markup=False
        )
    return 0


def _rows(found: Judged) -> list[dict[str, Any]]:
    ranked = [
        {"place": place, "letters": found.letters(record), "best": record in found.best, **_row(record)}
        for place, record in enumerate(found.ordered, start=1)
    ]
    return [*ranked, *(_row(record) for record in found.controls)]


def _row(record: Record) -> dict[str, Any]:
    interval = None if record.ci_low is None else f"[{record.ci_low:.4f}, {record.ci_high:.4f}]"
    return {
        **{"candidate": record.candidate, "role": kind_of(record)},
        "tokens": None if record.tokens is None else "+".join(map(str, record.tokens)),
        **{"value": f"{record.value:.4f}", "interval": interval, "n": record.n},
    }


def _as_json(found: Judged, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    interval = found.leader_interval
    return {
        "rows": rows,
        "best": [record.candidate for record in found.best],
        "leader_interval": interval._asdict() if interval is not None else None,
        "finding": list(everything(found)),
        "detectable": found.detectable,
        "separation": found.separation,
        "protocol": found.any_record.protocol,
    }
