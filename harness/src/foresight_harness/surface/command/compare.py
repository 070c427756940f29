"""``foresight-bench compare RUN BASELINE``: did anything get worse?"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.comparison.against import Comparison, compare_with, target_of
from foresight_harness.judging.comparison.comparing import impossible, regressed, warned
from foresight_harness.judging.comparison.outputs import SUMMARY_BYTES, github_annotations, junit, markdown, sentence
from foresight_harness.judging.comparison.sentinels import read_sentinels, sentinel_file
from foresight_harness.planning.named_files import places
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.surface.command.printing import console, print_json, print_table

EXAMPLES = (
    "foresight-bench compare latest main",
    "foresight-bench compare latest RUN --strict",
    "foresight-bench compare latest main --md comment.md --junit junit.xml",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, BASELINE, outputs for CI."""
    parser.add_argument("run", metavar="RUN", help="run folder, id or latest")
    parser.add_argument("baseline", metavar="BASELINE", help="name of a baseline, or a run folder or id")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where runs and baselines lie; default runs")
    parser.add_argument("--sentinels", type=Path, metavar="FILE", help="default benchmarks/sentinels.toml")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="one test case a sentinel number")
    parser.add_argument("--md", type=Path, metavar="FILE", help="body of a comment")
    parser.add_argument("--github", action="store_true", help="print annotations and write the job summary")
    parser.add_argument("--strict", action="store_true", help="exit 3 where any sentinel could not be compared")


def run(options: argparse.Namespace) -> int:
    """Compare, print, write what CI wants.

    Returns:
        0 fine, 1 regression, 3 where no sentinel could be compared, under ``--strict`` where any could not.
    """
    runs = Path(options.out)
    head = find_run(runs, options.run)
    target = target_of(runs, options.baseline)
    if target.path == head:
        raise UsageError(f"{head.name} is compared with itself; name another baseline")
    sentinels = read_sentinels(options.sentinels or sentinel_file(places()))
    compared = compare_with(head, target, sentinels)
    for line in target.refused:
        print(f"foresight-bench compare: {line}", file=sys.stderr)
    _write(options, compared)
    if options.json:
        print_json(compared.analysis.as_json())
    else:
        _show(compared)
    if compared.exit_regressed:
        return 1
    return 3 if compared.exit_unknown or (options.strict and compared.exit_impossible) else 0


def _write(options: argparse.Namespace, compared: Comparison) -> None:
    if options.junit:
        options.junit.write_text(junit(compared.found, compared.target.name), encoding="utf-8")
    if options.md:
        options.md.write_text(markdown(compared.found, compared.sentence, compared.notes), encoding="utf-8")
    if options.github:
        for line in github_annotations(compared.found, compared.blind):
            print(line, file=sys.stderr if options.json else sys.stdout)
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            text = markdown(compared.found, compared.sentence, compared.notes, budget=SUMMARY_BYTES, rows=500)
            with Path(summary).open("a", encoding="utf-8") as stream:
                stream.write(text)


def _show(compared: Comparison) -> None:
    for line in (compared.sentence, *compared.notes):
        console().print(line, markup=False)
    groups = (("regressed", regressed), ("warnings", warned), ("not compared", impossible))
    for title, chosen in groups:
        rows = [{"what": sentence(one)} for one in chosen(compared.found)[:20]]
        if rows:
            print_table(title, rows, ["what"])
