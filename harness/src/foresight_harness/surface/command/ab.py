"""``foresight-bench ab --base REF``: is this working tree slower than another commit? Measured in turns."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import ForesightError, UsageError
from foresight_harness.judging.ab.session import Session
from foresight_harness.judging.ab.trees import checked_out, working_tree
from foresight_harness.judging.analyses.ab import NOT_COMPARED, SLOWER
from foresight_harness.judging.analyses.catalogue import conclude
from foresight_harness.judging.analyses.envelope import Analysis
from foresight_harness.judging.comparison.safe_text import command_message
from foresight_harness.judging.comparison.sentinels import read_sentinels, sentinel_file
from foresight_harness.planning.candidates import ResolvedCandidate
from foresight_harness.planning.named_files import places
from foresight_harness.planning.plan import check_datasets, datasets_of
from foresight_harness.running.run_folder.folder import check_writable
from foresight_harness.surface.command.candidate_options import add_options, chosen, options_of
from foresight_harness.surface.command.printing import console, print_json, print_table
from foresight_harness.surface.deafness import deaf
from foresight_harness.surface.report_writers import reporter

EXAMPLES = (
    "foresight-bench ab --base main",
    "foresight-bench ab --base HEAD~1 --candidate 'dinov2_tiny@last' --dataset shapes",
    "foresight-bench ab --base main --rounds 50 --tolerance 0.1 --json",
)
FEWEST = 10
"""Rounds below which the interval of a median is all of them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The other commit, candidates, how long and how fine."""
    parser.add_argument("--base", required=True, metavar="REF", help="commit, branch or tag to compare with")
    add_options(parser, "candidate", "matrix", "scale", "dataset", "weights", "device", "dtype", "picture_px")
    parser.add_argument(
        "--rounds", type=int, default=25, metavar="N", help="at least; ten times that where it is noisy"
    )
    parser.add_argument("--tolerance", type=float, default=0.05, metavar="SHARE", help="default 0.05: 5 %% slower")
    parser.add_argument("--seed", type=int, default=0, help="of the order of measurements")
    parser.add_argument("--out", default="runs", metavar="DIR", help="the result lies in DIR/ab; default runs")
    parser.add_argument("--sentinels", type=Path, metavar="FILE", help="whose candidates are timed by default")
    parser.add_argument("--github", action="store_true", help="print annotations")
    parser.add_argument("--strict", action="store_true", help="exit 3 where a candidate could not be compared")


def run(options: argparse.Namespace) -> int:
    """Time, write, print. 0 fine, 1 slower, 3 where nothing (``--strict``: not all) could be compared."""
    if options.rounds < FEWEST:
        raise UsageError(f"--rounds {options.rounds}: at least {FEWEST} are needed for an interval")
    if not 0 < options.tolerance < 1:
        raise UsageError(f"--tolerance {options.tolerance:g}: a share between 0 and 1, such as 0.05")
    head = working_tree(Path.cwd())
    registry, selection = chosen(options)
    settings = options_of(options, selection)
    check_datasets(registry, settings)
    settings = replace(settings, datasets=tuple(_absolute(choice) for choice in settings.datasets))
    check_writable(settings.out)
    (dataset, *_) = datasets_of(registry.suite("efficiency"), registry, settings)
    names = [str(candidate) for candidate in _wanted(options, selection.candidates)]
    if (line := deaf()) is not None:
        _progress(line)
    with _interruptible(), checked_out(head.root, options.base) as base:
        session = Session(settings, str(dataset), options.rounds, options.tolerance, options.seed)
        path = session.run((base, head), names, registry, _progress)
    concluded = conclude(path)
    if concluded.failures:
        raise ForesightError("; ".join(concluded.failures.values()))
    found = concluded.written["ab"]
    _show(options, path, found)
    verdicts = [row["verdict"] for row in found.rows]
    if SLOWER in verdicts:
        return 1
    missing = verdicts.count(NOT_COMPARED)
    return 3 if missing == len(verdicts) or (options.strict and missing) else 0


def _wanted(options: argparse.Namespace, candidates: Sequence[ResolvedCandidate]) -> list[ResolvedCandidate]:
    """Those that were named; else those of the matrix that a sentinel names, since they are few."""
    if options.candidate or options.matrix:
        return list(candidates)
    sentinels = read_sentinels(options.sentinels or sentinel_file(places()))
    globs = [pattern["candidate"] for pattern in sentinels.patterns if "candidate" in pattern]
    scored = [candidate for candidate in candidates if candidate.role == "candidate"]
    watched = [each for each in scored if any(fnmatchcase(str(each), glob) for glob in globs)]
    return watched or scored


def _absolute(choice: Any) -> Any:
    """Each side works in its own tree, so a path is written out in full."""
    return choice if choice.path is None else replace(choice, path=str(Path(choice.path).resolve()))


@contextmanager
def _interruptible() -> Iterator[None]:
    """A polite kill ends the block as Ctrl-C does, so that the worktree is removed then too."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _progress(name: str) -> Callable[[int], None]:
    """One line that is written over, on a terminal alone; wiped by round 0."""

    def advance(done: int) -> None:
        if sys.stderr.isatty():
            text = f"{name}: round {done}" if done else ""
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    return advance


def _show(options: argparse.Namespace, path: Path, found: Analysis) -> None:
    content = found.as_json()
    if options.github:
        for row in found.rows:
            if row["verdict"] == SLOWER:
                ratio = row["ratio"]
                text = f"{row['candidate']} takes {ratio.value:.3f} times as long [{ratio.low:.3f}, {ratio.high:.3f}]"
                line = f"::error title=slower::{command_message(text)}"
                print(line, file=sys.stderr if options.json else sys.stdout)
    page = _report(path)
    if options.json:
        print_json({"run": str(path), **content})
        return
    rows = [
        {
            "candidate": row["candidate"],
            "base ms": _milliseconds(row.get("base_ms")),
            "head ms": _milliseconds(row.get("head_ms")),
            "ratio": _ratio(row.get("ratio")),
            "rounds": row["ratio"].n if row.get("ratio") else 0,
            "verdict": row["verdict"],
            "reason": row["reason"],
        }
        for row in found.rows
    ]
    print_table(found.title, rows, list(rows[0]))
    for line in (found.finding, *found.caveats, f"run: {path}", page):
        console().print(line, markup=False, highlight=False)


def _milliseconds(value: Any) -> str:
    return "" if value is None else f"{value.value:.2f}"


def _ratio(value: Any) -> str:
    return "" if value is None else f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]"


def _report(path: Path) -> str:
    try:
        return f"report: {reporter('html')([path])}"
    except Exception as error:  # the numbers stand without their page
        return f"report: {' '.join(str(error).split())[:200]}"
