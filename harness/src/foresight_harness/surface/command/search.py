"""``foresight-bench search``: the best of a matrix for a fraction of what it costs to score all of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

import pytest

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.analyses.envelope import analysis_path, read_analysis
from foresight_harness.planning.options.declared import OPTIONS, declare
from foresight_harness.surface.command.printing import print_json, print_table
from foresight_harness.surface.command.run import Kept, suites_here

EXAMPLES = (
    "foresight-bench search --matrix sem_recovery --scale small --budget 10%",
    "foresight-bench search --matrix pivot2_hybrid --budget 2h --engine local:2",
    "foresight-bench search --matrix pivot2_hybrid --budget 2h --engine local:2 --resume",
)
SHOWN = 20
"""Candidates of the table; the page, ``--json`` and ``analysis/search.json`` hold all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a run; every other word is pytest's."""
    declare(parser.add_argument, OPTIONS)
    parser.add_argument("files", nargs="*", metavar="FILE", help="suites of your own, scored beside the others")
    parser.usage = "foresight-bench search [OPTIONS] [PYTEST'S OPTIONS, SUCH AS -k, -x, -q] [FILE ...]"
    parser.set_defaults(hands_on=())


def run(options: argparse.Namespace) -> int:
    """Hand every word on to pytest, with ``--search``. Returns its exit code, as ``foresight-bench run`` does."""
    words = [word for word in options.hands_on if word != "--json"]
    kept = Kept()
    try:
        arguments = [*suites_here(), *words, *([] if "--search" in words else ["--search"])]
    except UsageError as error:
        print(f"foresight-bench search: {error}", file=sys.stderr)
        return int(pytest.ExitCode.USAGE_ERROR)
    if not options.json:
        code = int(pytest.main(arguments, plugins=[kept]))
        _print(kept)
        return code
    with redirect_stdout(sys.stderr):
        code = int(pytest.main(arguments, plugins=[kept]))
    said: dict[str, Any] = {"exit": code, "run": None if kept.path is None else str(kept.path)}
    print_json({**said, "search": found_of(kept)})
    return code


def found_of(kept: Kept) -> Mapping[str, Any] | None:
    """What the search found; None where it did not come so far."""
    if kept.path is None or not analysis_path(kept.path, "search").is_file():
        return None
    return read_analysis(kept.path, "search")


def _print(kept: Kept) -> None:
    found = found_of(kept)
    if found is None:
        return
    rows: Sequence[Mapping[str, Any]] = found["rows"]
    print_table(
        f"rungs of the search {found['inputs']['suite']} by {found['inputs']['metric']}",
        [
            {name: _written(rung.get(name)) for name in ("rung", "entering", "kept", "rule", "seconds")}
            for rung in found["rungs"]
        ],
        ["rung", "entering", "kept", "rule", "seconds"],
    )
    shown = [
        {
            **{name: row[name] for name in ("candidate", "outcome", "rung", "reason")},
            "score": _written((row["score"] or {}).get("value")),
        }
        for row in rows[:SHOWN]
    ]
    more = f", the first {SHOWN}" if len(rows) > SHOWN else ""
    print_table(f"{len(rows)} candidates{more}", shown, ["candidate", "outcome", "score", "rung", "reason"])


def _written(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
