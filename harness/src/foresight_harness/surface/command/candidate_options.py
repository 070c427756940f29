"""Options that choose candidates, shared by the verbs that plan and list."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from foresight_harness.parts.training.recipe import DEFAULT_RECIPE
from foresight_harness.planning.candidates import Selection, select_candidates
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.options.run_options import DEFAULTS, run_options
from foresight_harness.planning.registry import Registry, load_registry


def add_choice(parser: argparse.ArgumentParser) -> None:
    """``--candidate``, ``--matrix``, ``--scale``: the same as pytest's."""
    parser.add_argument("--candidate", action="append", default=[], metavar="GLOB", help="as for pytest; repeatable")
    parser.add_argument("--matrix", metavar="NAME|FILE", help="as for pytest; default smoke")
    parser.add_argument("--scale", metavar="smoke|small|full", help="default the matrix's own, else smoke")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """The options that decide how much is measured."""
    parser.add_argument("--dataset", action="append", default=[], metavar="NAME[:PATH]")
    parser.add_argument("--weights")
    parser.add_argument("--weights-source", action="append", default=[], metavar="NAME=SOURCE")
    parser.add_argument("--trust-weights", action="append", default=[], metavar="NAME", help="as for pytest")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--train-size", type=int, metavar="N")
    parser.add_argument("--picture-px", type=int, metavar="N")
    parser.add_argument("--probe", action="append", default=[], metavar="NAME", help="as for pytest; repeatable")
    parser.add_argument("--max-pixels", type=int, metavar="N", help="as for pytest")
    parser.add_argument("--recipe", default=DEFAULT_RECIPE, metavar="NAME", help="as for pytest")


def chosen(options: argparse.Namespace) -> tuple[Registry, Selection]:
    """Registry, and the candidates with what their matrix says. Raises: UsageError."""
    registry = load_registry()
    folders = [Path("benchmarks/matrices")]
    folders = [path for path in folders if path.is_dir()]
    found = select_candidates(registry, options.candidate, options.matrix, folders, options.scale)
    for reason in found.left_out:
        print(f"left out of the matrix: {reason}", file=sys.stderr)
    return registry, found


def options_of(options: argparse.Namespace, selection: Selection) -> RunOptions:
    """As the pytest plugin makes them. Raises: UsageError."""
    return run_options({name: value for name, value in vars(options).items() if name in DEFAULTS}, selection)
