"""``foresight-bench plan``: cells, forwards, time, memory and disk; runs nothing."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.candidates import suites_of
from foresight_harness.planning.candidates.fitting import check_fitting
from foresight_harness.planning.candidates.loading import check_loading
from foresight_harness.planning.candidates.twins import with_twins
from foresight_harness.planning.options.feeding import EQUAL_PIXELS, EQUAL_TOKENS
from foresight_harness.planning.options.metric_names import check_metrics
from foresight_harness.planning.options.probe_names import check_probes
from foresight_harness.planning.plan import all_cells_of, check_datasets, check_sources, cost_of, datasets_of, unfed
from foresight_harness.running.costs.accounting import predicted
from foresight_harness.surface.command.candidate_options import (
    add_run_options,
    chosen,
    options_of,
    say_left_out,
    sources,
)
from foresight_harness.surface.command.keywords import matching
from foresight_harness.surface.command.plan_card import as_json, budgets_for, plan_on, show, take_card
from foresight_harness.surface.command.printing import console, print_json, print_table

if TYPE_CHECKING:
    from foresight_harness.contracts.specs import SuiteSpec
    from foresight_harness.planning.candidates import ResolvedCandidate
    from foresight_harness.planning.options import RunOptions
    from foresight_harness.planning.plan import PlannedCell
    from foresight_harness.planning.registry import Registry
    from foresight_harness.running.costs.predicting import Prediction

SHOWN = 8
"""Streams that a line of tokens names."""
EXAMPLES = (
    "foresight-bench plan",
    "foresight-bench plan --matrix audit --show-options",
    "foresight-bench plan --matrix pivot3_sem --scale full --device a100-80gb",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The choice of candidates, sizes and suites."""
    add_run_options(parser)
    parser.add_argument(
        "--suite",
        action="append",
        default=[],
        metavar="NAME",
        help="repeatable; default the matrix's own, else every default one",
    )
    parser.add_argument(
        "-k", metavar="EXPRESSION", help="suites and candidates by words of their names, as pytest's -k"
    )
    parser.add_argument(
        "--calibrate",
        metavar="RUN",
        help="with a card's name for --device (a100-80gb, h100, h200, NAME=FILE): correct by what a run on it took",
    )
    parser.add_argument("--show-options", action="store_true", help="print every option with its source, and no plan")


def run(options: argparse.Namespace) -> int:
    """Print the plan."""
    card = take_card(options)
    registry, selection = chosen(options)
    say_left_out(selection)
    wanted = options_of(options, selection)
    check_datasets(registry, wanted)
    if options.show_options:
        return _show_options(options, sources(options, selection, wanted))
    check_probes(registry, wanted.probes)
    check_metrics(registry, wanted.metrics, weights=False)
    check_sources(selection.candidates, wanted)
    check_loading(selection.candidates, wanted)
    check_fitting(selection.candidates, wanted)
    selection = with_twins(selection, registry, wanted)
    candidates: Sequence[ResolvedCandidate] = selection.candidates
    suites = [registry.suite(name) for name in options.suite or suites_of(selection, registry)]
    cells = all_cells_of(selection, suites, registry, wanted)
    if options.k:
        cells, suites, candidates = _kept(cells, suites, candidates, options.k)
    cost = cost_of(cells, wanted)
    found = predicted(cells, wanted)
    on_card = None
    if card is not None:
        on_card = plan_on(card, cells, wanted, registry, cost.feature_bytes, options.calibrate)
    budgets = budgets_for(wanted.matrix) if card is not None else []
    rows = [
        {
            "suite": each.name,
            "measures": each.title,
            "probes": ", ".join(_probes(each, registry, wanted)) or "none",
            "datasets": ", ".join(str(choice) for choice in datasets_of(each, registry, wanted)) or "none fits",
            "cells": sum(cell.suite is each for cell in cells),
        }
        for each in suites
    ]
    tokens = {str(each): list(each.tokens(wanted.feeding)) for each in candidates}
    without = [line for each in suites for line in unfed(each, registry, wanted)]
    if options.json:
        print_json(
            {
                "not_scored": without,
                "scale": wanted.scale,
                "candidates": [str(candidate) for candidate in candidates],
                "input": wanted.input,
                "input_size": wanted.input_size,
                "tokens": tokens,
                "suites": rows,
                "cells": cost.cells,
                "encoder_forwards": cost.forwards,
                "feature_bytes": cost.feature_bytes,
                "trained_fits": cost.fits,
                "prediction": asdict(found),
                **({"card": as_json(*on_card, budgets)} if on_card else {}),
            }
        )
        return 0
    print_table(f"plan at scale {wanted.scale}: {len(candidates)} candidates", rows, list(rows[0]))
    if without:
        console().print("\n".join(without), markup=False)
    console().print(
        f"at most {cost.forwards} pictures through encoders, {cost.feature_bytes / 2**20:.0f} MiB of features, "
        f"{cost.fits} trained fits; what the cache holds is not done again",
        markup=False,
    )
    for line in tokens_lines(candidates, wanted):
        console().print(line, markup=False)
    if on_card:
        show(*on_card, budgets)
        return 0
    for line in sentences(found):
        console().print(line, markup=False)
    return 0


def _kept(
    cells: Sequence[PlannedCell], suites: Sequence[SuiteSpec], candidates: Sequence[ResolvedCandidate], expression: str
) -> tuple[list[PlannedCell], list[SuiteSpec], list[ResolvedCandidate]]:
    """What a keyword expression keeps. Raises: UsageError where that is nothing."""
    keeps = matching(expression)
    found = [cell for cell in cells if keeps(cell.suite.name, str(cell.candidate))]
    if not found:
        known = ", ".join(suite.name for suite in suites)
        raise UsageError(f"-k {expression}: keeps none of {len(cells)} cells; suites are {known}")
    kept, named = {cell.suite.name for cell in found}, {str(cell.candidate) for cell in found}
    return (
        found,
        [suite for suite in suites if suite.name in kept],
        [candidate for candidate in candidates if str(candidate) in named],
    )


def _show_options(options: argparse.Namespace, rows: Sequence[Mapping[str, Any]]) -> int:
    if options.json:
        print_json(rows)
    else:
        print_table("options", rows, ["option", "value", "source"])
    return 0


def _probes(suite: SuiteSpec, registry: Registry, options: RunOptions) -> list[str]:
    """The probes that its scores will name."""
    return list(dict.fromkeys([registry.primary_probe.name, *options.probes])) if suite.probed else []


def sentences(found: Prediction) -> list[str]:
    """The prediction in words; how sure it is, where cells were not measured here."""
    sure = (
        "every cell's like was measured on this machine"
        if found.measured == found.cells
        else f"{found.measured} of {found.cells} cells measured here, the rest guessed: a run will teach it"
    )
    return [
        f"about {_time(found.seconds)}, between {_time(found.low)} and {_time(found.high)} ({sure})",
        f"about {found.memory_bytes / 2**30:.1f} GiB of memory a process, {found.disk_bytes / 2**20:.0f} MiB more in "
        "the cache",
    ]


def tokens_lines(candidates: Sequence[ResolvedCandidate], options: RunOptions) -> list[str]:
    """What encoders are fed, and which streams make how many tokens of a picture, the most first."""
    unit = {EQUAL_PIXELS: "px", EQUAL_TOKENS: "tokens a side"}.get(options.input)
    said = f"input {options.input}" + (f" ({options.input_size} {unit})" if unit else "")
    streams: dict[int, dict[str, None]] = {}
    for candidate in candidates:
        for stream, count in zip(candidate.streams, candidate.tokens(options.feeding), strict=True):
            streams.setdefault(count, {})[str(stream.ref)] = None
    return [f"{said}; tokens a picture:"] + [
        f"  {count}: {', '.join(list(streams[count])[:SHOWN])}"
        + (f" and {len(streams[count]) - SHOWN} more" if len(streams[count]) > SHOWN else "")
        for count in sorted(streams, reverse=True)
    ]


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
