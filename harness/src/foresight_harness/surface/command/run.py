"""``foresight-bench run``: ``pytest benchmarks/`` in a checkout, the installed benchmarks anywhere else."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.named_files import installed_benchmarks
from foresight_harness.planning.options.declared import OPTIONS, declare
from foresight_harness.surface.command.printing import print_json
from foresight_harness.surface.pytest_plugin.state import STATE
from foresight_harness.surface.result import result_of

EXAMPLES = (
    "foresight-bench run --candidate 'dinov2*' --dataset shapes -k spatial",
    "foresight-bench run --matrix audit --scale small --device cuda",
    "foresight-bench run --candidate 'dinov2*' --dataset coco:DIR --gate premerge_phase1 -q",
)
CHECKOUT = Path("benchmarks")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a run, files of suites; every other word is pytest's: ``-k``, ``-x``, ``-q``."""
    declare(parser.add_argument, OPTIONS)
    parser.add_argument("files", nargs="*", metavar="FILE", help="suites of your own, scored beside the others")
    parser.usage = "foresight-bench run [OPTIONS] [PYTEST'S OPTIONS, SUCH AS -k, -x, -q] [FILE ...]"
    parser.set_defaults(hands_on=())


def run(options: argparse.Namespace) -> int:
    """Hand every word on to pytest. Returns its exit code: 0, 1 a failed cell or NO-GO, 4 usage, 10, 11."""
    words = [word for word in options.hands_on if word != "--json"]
    kept = Kept()
    try:
        arguments = [*suites_here(), *words]
    except UsageError as error:
        print(f"foresight-bench run: {error}", file=sys.stderr)
        return int(pytest.ExitCode.USAGE_ERROR)
    if not options.json:
        return int(pytest.main(arguments, plugins=[kept]))
    with redirect_stdout(sys.stderr):
        code = int(pytest.main(arguments, plugins=[kept]))
    found = None if kept.path is None else result_of(kept.path)
    said: dict[str, Any] = {"exit": code, "run": None if kept.path is None else str(kept.path)}
    print_json({**said, "result": None if found is None else found.as_json()})
    return code


def suites_here() -> Sequence[str]:
    """What pytest is to collect: ``benchmarks/`` of the working folder if it has suites, else what is installed.

    Raises:
        UsageError: where there is neither.
    """
    if any(CHECKOUT.glob("test_*.py")):
        return [str(CHECKOUT)]
    folders = installed_benchmarks()
    if not folders:
        raise UsageError("no benchmarks/ with suites here, and none installed: pip install foresight-benchmarks")
    return [*map(str, folders), "--rootdir=.", "--import-mode=importlib"]


class Kept:
    """Takes the run's folder from the session before pytest forgets it."""

    path: Path | None = None

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """At the end of the session."""
        state = config.stash.get(STATE, None)
        if state is not None and state.keeper is not None:
            self.path = state.keeper.folder.path
