"""``foresight-bench versus RUN A B``: which of two candidates is better, metric by metric."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.comparing import NotComparableError
from foresight_harness.judging.analyses.rankings import board_of
from foresight_harness.judging.gates.gate import fits
from foresight_harness.judging.ranking.head_to_head import HeadToHead, Picture, as_section, head_to_head
from foresight_harness.judging.ranking.judged import judge
from foresight_harness.planning.registry.registry import nearest
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command.printing import console, print_json

EXAMPLES = (
    "foresight-bench versus latest 'dinov2_tiny@last*' 'pixels@*'",
    "foresight-bench versus RUN A B --metric iou --dataset shapes",
    "foresight-bench versus latest A B --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, A, B and by what."""
    parser.add_argument("target", metavar="RUN", help="folder, id or latest")
    parser.add_argument("first", metavar="A", help="candidate string, or a glob that one candidate fits")
    parser.add_argument("second", metavar="B", help="likewise; a floor or a twin too")
    parser.add_argument("--suite", metavar="NAME", help="default: every one")
    parser.add_argument("--metric", metavar="NAME", help="default: each that the suites are ranked by")
    parser.add_argument("--dataset", metavar="NAME[:PATH]", help="default: every one")
    parser.add_argument("--probe", metavar="NAME", help="default: every one")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")


def run(options: argparse.Namespace) -> int:
    """Print a line a board; exit 3 where no board holds both, or none may be judged."""
    data = RunData.load(find_run(Path(options.out), options.target))
    first, second = (_one(data, name) for name in (options.first, options.second))
    if first == second:
        raise UsageError(f"{first} is set against itself; name another candidate")
    found, refused = [], []
    for records in _boards(data, options, first, second):
        ours, theirs = (next(one for one in records if one.candidate == name) for name in (first, second))
        try:
            met = head_to_head(judge(data, records), ours, theirs)
        except NotComparableError as error:
            refused.append(str(error))
            continue
        if met is None:
            refused.append(f"{first} and {second} are both controls, which are compared with candidates alone")
        else:
            found.append(met)
    if options.json:
        print_json(_as_json(found, refused))
    else:
        _show(found, refused)
    return 0 if found else 3


def _as_json(found: Sequence[HeadToHead], refused: Sequence[str]) -> dict[str, object]:
    section = as_section(found)
    rows = [
        {key: value.as_json() if hasattr(value, "as_json") else value for key, value in row.items()}
        for row in section["rows"]
    ]
    return {**section, "rows": rows, "refused": list(dict.fromkeys(refused))}


def _show(found: Sequence[HeadToHead], refused: Sequence[str]) -> None:
    for met in found:
        console().print(met.sentence, markup=False, highlight=False)
        for side, pictures in (("furthest behind", met.worst), ("furthest ahead", met.best)):
            if pictures:
                console().print(f"  {side}: {_written(pictures)}", markup=False, highlight=False)
    for line in dict.fromkeys(refused):
        print(f"foresight-bench versus: {line}", file=sys.stderr)
    if not found and not refused:
        print("foresight-bench versus: no metric was measured of both on one data set", file=sys.stderr)


def _written(pictures: Sequence[Picture]) -> str:
    return ", ".join(f"{one.sample} ({one.first:.3g} against {one.second:.3g})" for one in pictures)


def _one(data: RunData, name: str) -> str:
    """The candidate of that name, or the one that fits a glob. Raises: UsageError."""
    known = list(dict.fromkeys(record.candidate for record in data.records))
    if name in known:
        return name
    fitting = [candidate for candidate in known if fits(candidate, [name])]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UsageError(f"{name!r} fits {len(fitting)} candidates, {', '.join(fitting[:3])} among them; name one")
    raise UsageError(f"no candidate {name!r} in this run{nearest(name, set(known))}")


def _boards(data: RunData, options: argparse.Namespace, first: str, second: str) -> Iterator[list[Record]]:
    """Whole boards on which both stand: the others count, since whom to compare was chosen among them."""
    found: dict[tuple[str | None, ...], list[Record]] = {}
    for record in data.records:
        suite = data.suites.get(record.suite)
        asked = record.metric == options.metric if options.metric else suite and record.metric in suite.ranked_by
        narrowed = all(
            getattr(record, name) == (getattr(options, name) or getattr(record, name))
            for name in ("suite", "dataset", "probe")
        )
        if asked and record.value is not None and narrowed:
            found.setdefault(tuple(board_of(record).values()), []).append(record)
    if options.metric and not found:
        known = {record.metric for record in data.records}
        raise UsageError(f"no {options.metric} in this run{nearest(options.metric, known)}")
    for records in found.values():
        if {first, second} <= {record.candidate for record in records}:
            yield records
