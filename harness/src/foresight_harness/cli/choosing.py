"""Options that choose candidates, shared by the verbs that plan and list."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from foresight_harness.candidates import ResolvedCandidate, select_candidates
from foresight_harness.options import RunOptions, parse_dataset, parse_weights_source
from foresight_harness.options.options import DEFAULT_DATASETS
from foresight_harness.registry import Registry, load_registry


def add_choice(parser: argparse.ArgumentParser) -> None:
    """``--candidate``, ``--matrix``: the same as pytest's."""
    parser.add_argument("--candidate", action="append", default=[], metavar="GLOB", help="as for pytest; repeatable")
    parser.add_argument("--matrix", metavar="NAME|FILE", help="as for pytest; default smoke")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """The options that decide how much is measured."""
    parser.add_argument("--scale", default="smoke")
    parser.add_argument("--dataset", action="append", default=[], metavar="NAME[:PATH]")
    parser.add_argument("--weights")
    parser.add_argument("--weights-source", action="append", default=[], metavar="NAME=SOURCE")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--seeds", type=int)


def chosen(options: argparse.Namespace) -> tuple[Registry, list[ResolvedCandidate]]:
    """Registry and candidates. Raises: UsageError."""
    registry = load_registry()
    folders = [Path("benchmarks/matrices")]
    found = select_candidates(registry, options.candidate, options.matrix, [path for path in folders if path.is_dir()])
    for reason in found.left_out:
        print(f"left out of the matrix: {reason}", file=sys.stderr)
    return registry, list(found.candidates)


def run_options(options: argparse.Namespace) -> RunOptions:
    """As the pytest plugin makes them. Raises: UsageError."""
    return RunOptions(
        candidates=tuple(options.candidate),
        matrix=options.matrix,
        scale=options.scale,
        datasets=tuple(parse_dataset(text) for text in options.dataset or DEFAULT_DATASETS),
        weights=options.weights,
        weights_sources=tuple(parse_weights_source(text) for text in options.weights_source),
        dtype=options.dtype,
        seeds=options.seeds,
    )
