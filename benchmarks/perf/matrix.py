"""What does a matrix cost in one run, over its candidates scored one by one? Time, encoder forwards, peak memory.

    python benchmarks/perf/matrix.py [--limit 20] [--alone 5] [--memory 24,240] [--beside pixels@patch] [--write]

6 encoders x 4 taps, each beside pixels, x 4 enhancers x 5 fusions at smoke scale, suite ``spatial`` on ``shapes``: 480
candidates. "One by one" is the plain loop: each candidate in a run of its own with a cold cache, in this same process,
so that no import is counted on either side. Processor seconds, one thread.

A sample stands for the rest. In the run, what all candidates share (extraction of all 24 streams, controls, the first
cell) is timed as a whole; then ``--limit`` cells, in an order whose every stretch of 20 has each enhancer and fusion
once. ``--alone`` of them are scored one by one, too; their mean excess over their cells in the run, which hardly
varies, is added to all. What a fit costs in arithmetic nothing can share, so it is told apart: ``bound`` is the ratio
if everything but fits were free. Peak memory is of a fresh process, read after few and after many candidates in that
same order, so that both are over the same 24 streams and of one mix. ``--alone 0`` and ``--memory ""`` leave a half
out, and its record as it was.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from foresight_harness.measuring.extraction.splits import SPLITS
from foresight_harness.measuring.fitting.objectives import fit_together
from foresight_harness.measuring.workshop import fits
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.planning.candidates import ResolvedCandidate, parse_candidate, resolve
from foresight_harness.planning.registry import load_registry
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.surface.python_calls import opened

DATA = "shapes"
TAPS = {
    "dinov2_tiny": ("patch_embed", "block.00", "block.02", "last"),
    "siglip_tiny": ("patch_embed", "block.00", "block.02", "last"),
    "mae_tiny": ("patch_embed", "block.00", "block.02", "last"),
    "sam_tiny": ("patch_embed", "block.00", "block.02", "neck"),
    "eva02_tiny": ("patch_embed", "block.00", "block.02", "block.03"),
    "qwen2_5_vl_tiny": ("patch_embed", "block.02", "pre_merge", "post_merge"),
}
ENHANCERS = "identity,bilinear,sem_coord,sem_deform"
FUSIONS = "concat,film,gated,dual_stream,perceiver"
TARGET, MOST_MEMORY = 10.0, 1.2
RECORD = Path(__file__).with_suffix(".json")


class Run(NamedTuple):
    """A run that was timed, in processor seconds."""

    keeper: RunKeeper
    shared_s: float
    """Until every stream was there and the first cell, with the controls, was recorded."""
    cells_s: dict[str, float]
    """Of the other cells, by candidate."""
    fits_s: dict[str, float]
    """Share of those seconds that went into fits."""
    total_s: float


def candidates(arguments: argparse.Namespace) -> list[ResolvedCandidate]:
    """The matrix along its diagonals: any 24 in a row have each stream once, any 20 each combination."""
    registry = load_registry()
    streams = [f"{encoder}@{tap}" for encoder, taps in TAPS.items() for tap in taps]
    choices = [part.split(",") for part in (arguments.enhancers, arguments.fusions, arguments.decoders)]
    parts = ["/".join(chosen) for chosen in product(*choices)]
    names = [
        f"{stream if '/single/' in part else f'{stream}+{arguments.beside}'}/{part}"
        for shift in range(len(parts))
        for place, stream in enumerate(streams)
        for part in [parts[(place + shift) % len(parts)]]
    ]
    return [resolve(parse_candidate(name), registry) for name in names]


def score(
    chosen: list[ResolvedCandidate],
    streams_of: list[ResolvedCandidate],
    note: Callable[[int], None] = lambda scored: None,
) -> Run:
    """Score candidates in one fresh run with a cold cache, over the streams of others, too; ``note`` hears how many."""
    fitting = 0.0

    def timed(*arguments: Any) -> Any:
        nonlocal fitting
        start = time.process_time()
        made = fit_together(*arguments)
        fitting += time.process_time() - start
        return made

    began = time.process_time()
    cells_s: dict[str, float] = {}
    fits_s: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, patch.object(fits, "fit_together", timed):
        extra = [candidate for candidate in streams_of if candidate not in chosen]
        keeper = opened_for([*chosen, *extra], Path(folder))
        planned = {str(cell.candidate): cell for cell in keeper.planned}
        cells = [planned[str(candidate)] for candidate in [*chosen, *extra]]
        for cell in cells:
            if cell.candidate in streams_of:
                for split in SPLITS:
                    Cell(keeper.workshop, cell.candidate, cell.suite, cell.dataset).streams(split)
        shared_s = 0.0
        for scored, cell in enumerate(cells[: len(chosen)], start=1):
            start, before = time.process_time(), fitting
            keeper.run_cell(cell)
            note(scored)
            if not shared_s:
                shared_s = time.process_time() - began
                continue
            cells_s[str(cell.candidate)] = time.process_time() - start
            fits_s[str(cell.candidate)] = fitting - before
        keeper.close("complete")
    return Run(keeper, shared_s, cells_s, fits_s, time.process_time() - began)


def opened_for(wanted: list[ResolvedCandidate], place: Path) -> RunKeeper:
    """A run of those candidates in suite ``spatial`` that writes below ``place``."""
    places = {"out": place / "runs", "feature_cache": place / "cache"}
    return opened([str(candidate) for candidate in wanted], "spatial", DATA, scale="smoke", **places)


def import_models() -> None:
    """Build each encoder once: what this process imports is no part of either side."""
    with tempfile.TemporaryDirectory() as folder:
        any_candidate = resolve(parse_candidate("pixels@patch/identity/single/linear"), load_registry())
        keeper = opened_for([any_candidate], Path(folder))
        for name in TAPS:
            spec = keeper.registry.encoder(name)
            spec.build(keeper.workshop.encoder_request(spec))


def peaks_mib(arguments: argparse.Namespace) -> dict[str, float]:
    """Peak resident memory of a fresh process when it had scored the first so many candidates."""
    options = ["--memory", arguments.memory, "--beside", arguments.beside]
    options += ["--enhancers", arguments.enhancers, "--fusions", arguments.fusions, "--decoders", arguments.decoders]
    told = subprocess.run([sys.executable, __file__, "--peaks", *options], check=True, capture_output=True, text=True)
    return dict(json.loads(told.stdout.splitlines()[-1]))


def tell_peaks(matrix: list[ResolvedCandidate], counts: list[int]) -> None:
    """Score in this process, and print what its peak was after each of the counts."""
    found: dict[str, float] = {}

    def note(scored: int) -> None:
        if scored in counts:
            found[str(scored)] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)

    score(matrix[: max(counts)], [], note)
    print(json.dumps(found))


def timing(arguments: argparse.Namespace, matrix: list[ResolvedCandidate]) -> dict[str, Any]:
    """Both ways in this process, and what they make of the whole matrix."""
    import_models()
    chosen = matrix[: arguments.limit + 1]  # the first cell is counted with what is shared
    run = score(chosen, matrix[: sum(map(len, TAPS.values()))])
    inside = run.cells_s
    apart = list(inside)[:: max(1, len(inside) // arguments.alone)][: arguments.alone]
    alone = {str(one): score([one], [one]).total_s for one in chosen if str(one) in apart}
    excess = mean(alone[name] - inside[name] for name in alone)
    whole = run.shared_s + mean(inside.values()) * len(matrix)
    one_by_one = (mean(inside.values()) + excess) * len(matrix)
    forwards, sizes = dict(run.keeper.workshop.extraction.forwards), run.keeper.options.sizes
    found: dict[str, Any] = {
        "command": command(),
        "candidates": len(matrix),
        "cells_timed": len(inside),
        "shared_s": round(run.shared_s, 1),
        "alone_timed": {name: round(seconds, 2) for name, seconds in alone.items()},
        "alone_excess_s": round(excess, 2),
        "together_s": round(whole),
        "one_by_one_s": round(one_by_one),
        "ratio": round(one_by_one / whole, 2),
        "bound": round(one_by_one / (mean(run.fits_s.values()) * len(matrix)), 2),
        "forwards": forwards,
        "pictures": sizes.train + sizes.test,
        "forwards_held": all(count <= sizes.train + sizes.test for count in forwards.values()),
        "cells": {name: [round(inside[name], 2), round(run.fits_s[name], 2)] for name in inside},
    }
    for kind, trained in (("closed_form", False), ("trained", True)):
        members = [str(one) for one in chosen if one.trainable is trained and str(one) in inside]
        if members:
            own = mean(inside[name] for name in members)
            fit = mean(run.fits_s[name] for name in members)
            found[kind] = {
                "together_s_each": round(own, 2),
                "of_it_fit_s": round(fit, 2),
                "alone_s_each": round(own + excess, 2),
                "ratio": round((own + excess) / own, 2),
            }
    return found


def command() -> str:
    """How this was called."""
    return shlex.join(["python", "benchmarks/perf/matrix.py", *sys.argv[1:]])


def main() -> None:
    """Time, count, measure memory; print, and keep with ``--write``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--enhancers", default=ENHANCERS)
    parser.add_argument("--fusions", default=FUSIONS)
    parser.add_argument("--decoders", default="linear", help="which this suite does not read: cheap for a count")
    parser.add_argument("--beside", default="pixels@patch", help="the second stream of every candidate")
    parser.add_argument("--limit", type=int, default=20, help="cells timed in the run, beside the first")
    parser.add_argument("--alone", type=int, default=5, help="candidates scored one by one; 0: no timing")
    parser.add_argument("--memory", default="24,240", help="numbers of candidates compared; empty: none")
    parser.add_argument("--peaks", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RECORD.name}")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    matrix = candidates(arguments)
    counts = [int(part) for part in arguments.memory.split(",") if part]
    if arguments.peaks:
        tell_peaks(matrix, counts)
        return
    found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    if arguments.alone:
        found["time"] = timing(arguments, matrix)
        print(json.dumps(found["time"], indent=1), flush=True)
        print(f"one by one takes {found['time']['ratio']} times as long (asked for: at least {TARGET:g})")
    if counts:
        peaks = peaks_mib(arguments)
        ratio = round(peaks[str(max(counts))] / peaks[str(min(counts))], 3)
        found["memory"] = {"command": command(), "peak_mib": peaks, "ratio": ratio}
        print(f"peak MiB {peaks}: ratio {ratio} (asked for: under {MOST_MEMORY})")
    if arguments.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
