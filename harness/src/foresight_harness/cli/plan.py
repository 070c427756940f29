"""``foresight-bench plan``: cells, forwards, bytes; runs nothing."""

from __future__ import annotations

import argparse

from foresight_harness.candidates import candidates_of, suites_of
from foresight_harness.cli.choosing import add_choice, add_run_options, chosen, run_options
from foresight_harness.cli.show import console, print_json, print_table
from foresight_harness.run.plan import PlannedCell, check_datasets, check_sources, cost_of, datasets_of
from foresight_harness.suites import suite

NAME = "plan"
HELP = "say what a run would do and cost, without doing it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The choice of candidates, sizes and suites."""
    add_choice(parser)
    add_run_options(parser)
    parser.add_argument(
        "--suite", action="append", default=[], help="repeatable; default the matrix's own, else every default one"
    )


def run(options: argparse.Namespace) -> int:
    """Print the plan."""
    registry, selection = chosen(options)
    candidates = selection.candidates
    wanted = run_options(options, selection)
    check_datasets(registry, wanted)
    check_sources(candidates, wanted)
    suites = [suite(name) for name in options.suite or suites_of(selection)]
    cells = [
        PlannedCell(candidate, found, dataset, clips=registry.dataset(dataset.name).video)
        for found in suites
        for candidate in candidates_of(selection, found)
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
