"""What does fitting a matrix cost in a run, over fitting each candidate alone in a plain loop? One process, one run.

    python benchmarks/perf/fitting.py [--matrix pivot3_sem] [--candidate GLOB ...] [--suite NAME ...] [--seeds N]

The plain loop makes a fit for every candidate, suite and seed that reads one, alone, and keeps nothing. A run makes
each fit once for all suites that read it, and those of one build side by side where that pays. Features and latents are
extracted before either is timed. Both are timed in turns, cell by cell, in processor seconds, because wall time on a
busy machine says little. Suites are the matrix's own unless named.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from foresight_harness.measuring.fitting.fitted import Fitted
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.measuring.workshop.fit_memory import FitMemory
from foresight_harness.planning.candidates import select_candidates, suites_of
from foresight_harness.planning.registry import load_registry
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.surface.python_calls import opened

DATA = "shapes"
FITTING = ("spatial", "alignment", "reconstruction")
TARGET = 0.25


def timed(work: Callable[[int], Fitted], seeds: tuple[int, ...]) -> float:
    """Processor seconds of one cell's fits."""
    began = time.process_time()
    for seed in seeds:
        work(seed)
    return time.process_time() - began


def both(cell: Cell) -> tuple[float, float]:
    """Processor seconds of the cell's fits, each alone and thrown away, then as the run makes them."""
    seeds = cell.seeds[:1] if cell.suite.first_seed_only else cell.seeds
    workshop, places = cell.workshop, cell.suite.name == "spatial"
    run, planned = workshop.fits, workshop.planned

    def alone(seed: int) -> Fitted:
        workshop.fits, workshop.planned = FitMemory(), []
        return cell.fitted_for_places(seed) if places else cell.fitted_for_latents(seed)

    plain = timed(alone, seeds)
    workshop.fits, workshop.planned = run, planned
    return plain, timed(cell.fitted_for_places if places else cell.fitted_for_latents, seeds)


def main() -> None:
    """Time both, cell by cell, and print the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--matrix", default="pivot3_sem")
    parser.add_argument("--candidate", action="append", default=[])
    parser.add_argument("--suite", action="append", default=[])
    parser.add_argument("--scale", default="smoke")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    registry = load_registry()
    folders = [Path(__file__).resolve().parents[1] / "matrices"]
    selection = select_candidates(registry, chosen.candidate, chosen.matrix, folders, chosen.scale)
    names = chosen.suite or [name for name in suites_of(selection, registry) if name in FITTING]
    with tempfile.TemporaryDirectory() as folder:
        places = {"out": Path(folder, "runs"), "feature_cache": Path(folder, "cache")}
        asked = [str(candidate) for candidate in selection.candidates]
        keeper = opened(asked, names, DATA, scale=chosen.scale, seeds=chosen.seeds, registry=registry, **places)
        cells = [Cell(keeper.workshop, cell.candidate, cell.suite, cell.dataset) for cell in keeper.planned]
        for cell in cells:
            cell.streams("train")
            keeper.workshop.latents.of(cell.candidate.decoder, cell.split("train"))
        both(cells[0])
        keeper.workshop.fits = FitMemory()
        report(cells, keeper)


def report(cells: list[Cell], keeper: RunKeeper) -> None:
    """Time every cell in both ways and print the sums."""
    plain = shared = 0.0
    for cell in cells:
        alone, run = both(cell)
        plain, shared = plain + alone, shared + run
        print(f"{cell.suite.name:15} {cell.candidate!s:60} alone {alone:6.2f} s   run {run:6.2f} s", flush=True)
    fits = keeper.workshop.fits
    print(
        f"{len(cells)} cells: alone {plain:.1f} s; {fits.made} fits in a run, {fits.stacks} stacks, "
        f"{shared:.1f} s: ratio {shared / plain:.2f} (asked for: under {TARGET})"
    )


if __name__ == "__main__":
    main()
