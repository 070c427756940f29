"""What does a matrix cost in one run, over its candidates scored one by one? Time, encoder forwards, peak memory.

    python benchmarks/perf/matrix.py [--alone 12] [--limit N] [--fusions concat,film] [--memory 24,240] [--write]

6 encoders x 4 taps, each beside pixels, x 4 enhancers x 5 fusions at smoke scale, suite ``spatial`` on ``shapes``. "One
by one" is the plain loop: each candidate in a run of its own with a cold cache, in this same process, so that no import
is counted on either side. A seeded sample of candidates is scored so, spread over the enhancers and fusions, and its
mean stands for the rest; ``--limit`` takes a sample of the matrix for the run, too. Processor seconds, one thread.

What a fit costs in arithmetic nothing can share, so the ratio is told for closed forms and for trained parts apart.
Peak memory is of fresh processes, over the same 24 streams.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from foresight_harness.candidates import ResolvedCandidate, parse_candidate, resolve
from foresight_harness.options import DatasetChoice, RunOptions
from foresight_harness.progress import silent
from foresight_harness.registry import load_registry
from foresight_harness.run.bench import Bench
from foresight_harness.run.plan import PlannedCell, in_running_order
from foresight_harness.suites import suite

DATA = DatasetChoice("shapes")
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


def candidates(enhancers: list[str], fusions: list[str]) -> list[ResolvedCandidate]:
    """The matrix: neighbours share their streams as little as possible, so that any first part holds all streams."""
    registry = load_registry()
    names = [
        f"{encoder}@{tap}+pixels@patch/{enhancer}/{fusion}/linear"
        for enhancer in enhancers
        for fusion in fusions
        for encoder, taps in TAPS.items()
        for tap in taps
    ]
    return [resolve(parse_candidate(name), registry) for name in names]


def score(chosen: list[ResolvedCandidate], suites: list[str]) -> tuple[dict[str, float], Bench, float]:
    """Score candidates in one fresh run with a cold cache: processor seconds by candidate, the run, and their sum."""
    began = time.process_time()
    spent: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        options = RunOptions(scale="smoke", datasets=(DATA,), out=Path(folder, "runs"), cache=Path(folder, "cache"))
        bench = Bench(load_registry(), options, silent(), "matrix.py")
        cells = [PlannedCell(candidate, suite(name), DATA) for candidate in chosen for name in suites]
        bench.plan(in_running_order(cells, suites))
        for cell in bench.planned:
            start = time.process_time()
            bench.run_cell(cell)
            name = str(cell.candidate)
            spent[name] = spent.get(name, 0.0) + time.process_time() - start
        bench.close("complete")
    return spent, bench, time.process_time() - began


def import_models() -> None:
    """Build each encoder once: what this process imports is no part of either side."""
    registry = load_registry()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(registry, RunOptions(datasets=(DATA,), out=Path(folder)), silent(), "matrix.py")
        for name in TAPS:
            registry.encoder(name).build(bench.encoder_request(registry.encoder(name)))


def peak_mib(arguments: argparse.Namespace, count: int) -> float:
    """Peak resident memory of a fresh process that scores the first ``count`` candidates."""
    command = [sys.executable, __file__, "--peak-of", str(count)]
    command += ["--enhancers", arguments.enhancers, "--fusions", arguments.fusions, "--suites", arguments.suites]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def timing(arguments: argparse.Namespace, matrix: list[ResolvedCandidate]) -> dict[str, Any]:
    """Both ways in this process; the sample one by one is spread evenly over the matrix's order, which is by parts."""
    import_models()
    suites = arguments.suites.split(",")
    draw = random.Random(0)
    chosen = matrix if arguments.limit is None else sorted(draw.sample(matrix, arguments.limit), key=matrix.index)
    together, bench, total = score(chosen, suites)
    step = len(chosen) / arguments.alone
    sample = [chosen[int((place + draw.random()) * step)] for place in range(arguments.alone)]
    alone = {str(candidate): score([candidate], suites)[2] for candidate in sample}
    forwards = dict(bench.extraction.forwards)
    pictures = bench.options.sizes.train + bench.options.sizes.test
    found: dict[str, Any] = {
        "candidates": len(chosen),
        "of": len(matrix),
        "together_s": round(total, 1),
        "sample": len(alone),
        "alone_s_each": round(sum(alone.values()) / len(alone), 2),
        "ratio": round(sum(alone.values()) / len(alone) * len(chosen) / total, 2),
        "fits": bench.fits.made,
        "forwards": forwards,
        "pictures": pictures,
        "forwards_held": all(count <= pictures for count in forwards.values()),
    }
    for kind, trained in (("closed_form", False), ("trained", True)):
        members = [str(one) for one in chosen if one.trainable is trained]
        own = [seconds for name, seconds in alone.items() if name in members]
        if members and own:
            inside = sorted(together[name] for name in members)
            found[kind] = {
                "candidates": len(members),
                "alone_s_each": round(sum(own) / len(own), 2),
                "together_s_each": round(sum(inside) / len(inside), 2),
                "together_s_median": round(inside[len(inside) // 2], 2),
            }
    return found


def main() -> None:
    """Time, count, measure memory; print, and keep with ``--write``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--enhancers", default=ENHANCERS)
    parser.add_argument("--fusions", default=FUSIONS)
    parser.add_argument("--suites", default="spatial")
    parser.add_argument("--alone", type=int, default=12, help="candidates scored one by one")
    parser.add_argument("--limit", type=int, help="a seeded sample of the matrix for the run")
    parser.add_argument("--memory", default="24,240", help="numbers of candidates compared; empty: none")
    parser.add_argument("--peak-of", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RECORD.name}")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    matrix = candidates(arguments.enhancers.split(","), arguments.fusions.split(","))
    if arguments.peak_of:
        score(matrix[: arguments.peak_of], arguments.suites.split(","))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    found: dict[str, Any] = {"command": " ".join(["python benchmarks/perf/matrix.py", *sys.argv[1:]])}
    if arguments.alone:
        found |= timing(arguments, matrix)
        print(json.dumps(found, indent=1), flush=True)
    if arguments.memory:
        few, many = (int(part) for part in arguments.memory.split(","))
        peaks = {str(count): round(peak_mib(arguments, count), 1) for count in (few, many)}
        found["peak_mib"] = peaks
        found["memory_ratio"] = round(peaks[str(many)] / peaks[str(few)], 3)
        print(f"peak MiB {peaks}: ratio {found['memory_ratio']} (asked for: under {MOST_MEMORY})")
    if "ratio" in found:
        print(f"one by one takes {found['ratio']} times as long (asked for: at least {TARGET:g})")
    if arguments.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
