"""How much the feature-space form of debiased CKA saves: 10,000 x 1,536 features against 10,000 x 128.

Usage: ``python benchmarks/perf/cka.py [--threads N] [--runs N]``. Each form runs in processes of its own, in turns, so
that the peak of memory is its own and both meet the same load. Prints median and range of time, the peak beyond the
inputs, and the difference of the values; fails if the feature-space form (ten folds, with its jackknife interval) is
less than 5 times as fast, needs 300 MB or more, or differs by more than 1e-6 from the n x n form in float64.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from foresight_harness.parts.metrics.cka import LinearCKA
from torch import Tensor

ROWS, WIDTH_X, WIDTH_Y = 10_000, 1_536, 128
LEAST_SPEEDUP, MOST_MB, MOST_DIFFERENCE = 5.0, 300.0, 1e-6
BATCH = 250
"""Rows that arrive at once, as from a feature cache."""


@dataclass(frozen=True)
class Run:
    """One measurement of one form."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    value: float


def inputs() -> tuple[Tensor, Tensor]:
    """Features that share ten directions. [n, dx], [n, dy] float32"""
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(ROWS, 10, generator=generator)
    x = torch.randn(ROWS, WIDTH_X, generator=generator).addmm_(shared, torch.randn(10, WIDTH_X, generator=generator))
    y = torch.randn(ROWS, WIDTH_Y, generator=generator).addmm_(shared, torch.randn(10, WIDTH_Y, generator=generator))
    return x, y


def feature_space(x: Tensor, y: Tensor) -> float:
    """The harness's form, streamed, interval included."""
    sums = LinearCKA(x.shape[1], y.shape[1])
    for start in range(0, len(x), BATCH):
        rows = slice(start, start + BATCH)
        sums.update(x[rows], y[rows], torch.arange(len(x))[rows])
    return sums.estimate().value


def sample_space(x: Tensor, y: Tensor) -> float:
    """The textbook form: two n x n kernels in float64, U-centred in place; no interval."""

    def centred_kernel(rows: Tensor) -> Tensor:
        kernel = rows.double() @ rows.double().T
        kernel.fill_diagonal_(0)
        n, sums = len(kernel), kernel.sum(1)
        kernel -= (sums / (n - 2))[:, None]
        kernel -= (sums / (n - 2))[None, :]
        kernel += sums.sum() / ((n - 1) * (n - 2))
        return kernel.fill_diagonal_(0)

    first, second = centred_kernel(x).flatten(), centred_kernel(y).flatten()
    return float(first @ second / (first.norm() * second.norm()))


FORMS = {"feature space": feature_space, "n x n": sample_space}


def measure(form: str, threads: int, results: Connection) -> None:
    """Runs in a fresh process: the peak is that of this form alone."""
    torch.set_num_threads(threads)
    x, y = inputs()
    torch.ones(256, 256).mm(torch.ones(256, 256))
    # Resets the peak that the kernel keeps for this process, so that making the inputs does not count.
    Path("/proc/self/clear_refs").write_text("5")
    before = resident_mb("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    value = FORMS[form](x, y)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    results.send(Run(wall, cpu, resident_mb("VmHWM") - before, value))


def resident_mb(field: str) -> float:
    """``VmRSS`` (now) or ``VmHWM`` (peak) of this process, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(field))


def main() -> int:
    """Measure both forms in turns, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    runs: dict[str, list[Run]] = {form: [] for form in FORMS}
    for _ in range(options.runs):
        for form in FORMS:
            receiver, sender = spawn.Pipe(duplex=False)
            process = spawn.Process(target=measure, args=(form, options.threads, sender))
            process.start()
            sender.close()
            runs[form].append(receiver.recv())
            process.join()
    print(f"{ROWS} x {WIDTH_X} against {ROWS} x {WIDTH_Y}, {options.threads} threads, {options.runs} runs each")
    for form, taken in runs.items():
        wall = [run.wall_s for run in taken]
        cpu = statistics.median(run.cpu_s for run in taken)
        peak = max(run.peak_mb for run in taken)
        print(
            f"{form:>14}: {statistics.median(wall):.2f} s ({min(wall):.2f} to {max(wall):.2f}), processor {cpu:.2f} s, "
            f"peak {peak:.0f} MB beyond the inputs, value {taken[0].value:.9f}"
        )
    fast, slow = runs["feature space"], runs["n x n"]
    speedup = statistics.median(run.wall_s for run in slow) / statistics.median(run.wall_s for run in fast)
    difference = abs(fast[0].value - slow[0].value)
    peak = max(run.peak_mb for run in fast)
    print(f"speed-up {speedup:.1f}, difference {difference:.1e}")
    good = speedup >= LEAST_SPEEDUP and peak < MOST_MB and difference <= MOST_DIFFERENCE
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
