"""``foresight-bench plan``: cells, forwards, bytes; runs nothing."""

from __future__ import annotations

import argparse

from foresight_harness.cli.choosing import add_choice, add_run_options, chosen, run_options
from foresight_harness.cli.show import console, print_json, print_table
from foresight_harness.run.plan import PlannedCell, check_datasets, check_sources, cost_of, datasets_of
from foresight_harness.suites import SUITES, suite

NAME = "plan"
HELP = "say what a run would do and cost, without doing it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The choice of candidates, sizes and suites."""
    add_choice(parser)
    add_run_options(parser)
    parser.add_argument("--suite", action="append", default=[], help=f"repeatable; default {', '.join(SUITES)}")


def run(options: argparse.Namespace) -> int:
    """Print the plan."""
    registry, candidates = chosen(options)
    wanted = run_options(options)
    check_datasets(registry, wanted)
    check_sources(candidates, wanted)
    suites = [suite(name) for name in options.suite or SUITES]
    cells = [
        PlannedCell(candidate, found, dataset)
        for found in suites
        for candidate in candidates
        for dataset in datasets_of(found, registry, wanted)
    ]
    cost = cost_of(cells, wanted)
    rows = [
        {
            "suite": found.name,
            "measures": found.title,
            "datasets": ", ".join(str(choice) for choice in datasets_of(found, registry, wanted)) or "none fits",
            "cells": sum(cell.suite is found for cell in cells),
        }
        for found in suites
    ]
    if options.json:
        print_json(
            {
                "scale": wanted.scale,
                "candidates": [str(candidate) for candidate in candidates],
                "suites": rows,
                "cells": cost.cells,
                "encoder_forwards": cost.forwards,
                "feature_bytes": cost.feature_bytes,
                "trained_fits": cost.fits,
            }
        )
        return 0
    print_table(f"plan at scale {wanted.scale}: {len(candidates)} candidates", rows, list(rows[0]))
    console().print(
        f"at most {cost.forwards} pictures through encoders, {cost.feature_bytes / 2**20:.0f} MiB of features, "
        f"{cost.fits} trained fits; what the cache holds is not done again",
        markup=False,
    )
    return 0
