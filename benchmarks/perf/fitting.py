"""What does fitting a matrix cost in a run, over fitting each candidate alone in a plain loop? One process, one run.

    python benchmarks/perf/fitting.py [--scale smoke] [--seeds 1] [--threads 1] [--stream STREAM] [--enhancer NAME ...]

The plain loop makes a fit for every candidate, suite and seed that reads one, alone, and keeps nothing. A run makes
each fit once for all suites that read it, does without steps where a closed form is exact (so does the loop), and fits
candidates of one build side by side where that pays. Features and latents are extracted before either is timed. Both
are timed in turns, cell by cell, in processor seconds, because wall time on a busy machine says little.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import torch
from foresight_harness.candidates import parse_candidate, resolve
from foresight_harness.fit.objectives import fit_together
from foresight_harness.options import DatasetChoice, RunOptions
from foresight_harness.progress import silent
from foresight_harness.registry import load_registry
from foresight_harness.run.bench import Bench
from foresight_harness.run.cell import Cell
from foresight_harness.run.fits import Fits
from foresight_harness.run.plan import PlannedCell
from foresight_harness.suites import suite

ENHANCERS = (
    "identity",
    "bilinear",
    "sem_coord",
    "sem_deform",
    "sem_upsample",
    "sem",
    "sem_no_coord",
    "sem_no_deform",
    "sem_no_upsample",
)
DECODERS = ("linear", "ltx_video_tiny")
SUITES = ("spatial", "alignment", "reconstruction")
TARGET = 0.25


def cells_of(bench: Bench, streams: list[str], enhancers: list[str]) -> list[Cell]:
    """One cell for every candidate and suite, in the order of a run: suite by suite."""
    return [
        Cell(bench, resolve(parse_candidate(f"{stream}/{name}/single/{decoder}"), bench.registry), suite(title), DATA)
        for title in SUITES
        for stream in streams
        for name in enhancers
        for decoder in DECODERS
    ]


DATA = DatasetChoice("shapes")


def seeds_of(cell: Cell) -> tuple[int, ...]:
    """Seeds that the cell's suite reads."""
    return cell.seeds[:1] if cell.suite.first_seed_only else cell.seeds


def alone(cell: Cell) -> float:
    """Processor seconds of the cell's fits, each made alone and thrown away."""
    objective = "places" if cell.suite.name == "spatial" else "latents"
    began = time.process_time()
    for seed in seeds_of(cell):
        (found,) = fit_together([Fits()._request(cell, objective, seed)], "cpu")
        if isinstance(found, Exception):
            raise found
    return time.process_time() - began


def in_run(cell: Cell) -> float:
    """Processor seconds of the cell's fits as a run makes them."""
    began = time.process_time()
    for seed in seeds_of(cell):
        cell.fitted_for_places(seed) if cell.suite.name == "spatial" else cell.fitted_for_latents(seed)
    return time.process_time() - began


def main() -> None:
    """Time both, part by part, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", default="smoke")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--stream", action="append", default=[], help="repeatable; default dinov2_tiny@last")
    parser.add_argument("--enhancer", action="append", default=[], help="repeatable; default those of sem's ablation")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as folder:
        options = RunOptions(
            scale=chosen.scale, seeds=chosen.seeds, datasets=(DATA,), out=Path(folder, "r"), cache=Path(folder, "c")
        )
        bench = Bench(load_registry(), options, silent(), "fitting.py")
        cells = cells_of(bench, chosen.stream or ["dinov2_tiny@last"], chosen.enhancer or list(ENHANCERS))
        bench.plan(PlannedCell(cell.candidate, cell.suite, cell.dataset) for cell in cells)
        for cell in cells:
            cell.streams("train")
            bench.latents.of(cell.candidate.decoder, cell.split("train"))
        alone(cells[0])
        report(cells, bench)


def report(cells: list[Cell], bench: Bench) -> None:
    """Time every cell in both ways and print the sums."""
    plain: dict[str, float] = defaultdict(float)
    shared: dict[str, float] = defaultdict(float)
    count = 0
    for cell in cells:
        count += len(seeds_of(cell))
        plain[cell.candidate.enhancer.name] += alone(cell)
        shared[cell.candidate.enhancer.name] += in_run(cell)
    for name in plain:
        print(f"{name:20} plain {plain[name]:7.2f} s   run {shared[name]:7.2f} s   {shared[name] / plain[name]:.2f}")
    total, together = sum(plain.values()), sum(shared.values())
    print(
        f"{count} fits alone {total:.1f} s; {bench.fits.made} in a run, {bench.fits.stacks} stacks, {together:.1f} s: "
        f"ratio {together / total:.2f} (asked for: under {TARGET})"
    )


if __name__ == "__main__":
    main()
