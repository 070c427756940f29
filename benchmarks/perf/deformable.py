"""How long deformable attention takes: 256 queries, 16x16 cells, 8 heads, 4 points, width 256.

Usage: ``python benchmarks/perf/deformable.py [--threads N]``. Prints medians over 30 runs in milliseconds, for the
attention alone and for the whole enhancer around it, and exits 1 above the budget. Processor time of all threads
decides: work of others lengthens wall time and not this, as long as threads that wait do not spin.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import entry_points

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # read when torch is loaded; spinning threads would count as work
os.environ["GOMP_SPINCOUNT"] = "0"

import torch
from foresight_harness.contracts.specs import EnhancerSpec, GridShape
from foresight_harness.grids import cell_centres
from torch import nn

WARM_UP, RUNS = 5, 30
BUDGET_MS = 10.0
WIDTH = 640
"""Input width at which the enhancer's inner width is 256."""


def latencies_ms(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """Time of each run after warming up."""
    for _ in range(WARM_UP):
        call()
    times = []
    for _ in range(RUNS):
        start = clock()
        call()
        times.append((clock() - start) * 1000)
    return times


def build() -> nn.Module:
    """The enhancer ``sem_deform`` of the installed plugin."""
    (plugin,) = entry_points(group="foresight", name="sem")
    specs: list[EnhancerSpec] = plugin.load().foresight_enhancers()
    (spec,) = [spec for spec in specs if spec.name == "sem_deform"]
    module = spec.build(GridShape(16, 16, WIDTH))
    if not isinstance(module, nn.Module):
        raise TypeError(f"sem_deform builds {type(module).__name__}, not an nn.Module")
    return module.eval()


def main() -> int:
    """Time it. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    torch.manual_seed(0)
    enhancer = build()
    attention = enhancer.get_submodule("attention")
    queries, values = torch.randn(1, 256, 256), torch.randn(1, 16, 16, 256)
    references, grid = cell_centres(16, 16).reshape(1, 256, 2), torch.randn(1, 1, 16, 16, WIDTH)
    calls: dict[str, Callable[[], object]] = {
        "attention": lambda: attention(queries, references, [values]),
        "enhancer": lambda: enhancer(grid),
    }
    print(f"torch {torch.__version__}, float32, batch 1, {torch.get_num_threads()} threads, {RUNS} runs")
    medians = {}
    with torch.inference_mode():
        for name, call in calls.items():
            processor, wall = latencies_ms(call, time.process_time), latencies_ms(call)
            medians[name] = statistics.median(processor)
            print(
                f"{name}: processor median {medians[name]:.2f} ms ({min(processor):.2f} to {max(processor):.2f}); "
                f"wall, median {statistics.median(wall):.2f} ms, least {min(wall):.2f} ms"
            )
    within = medians["attention"] < BUDGET_MS
    print(f"budget of the attention: {BUDGET_MS} ms, {'kept' if within else 'exceeded'}")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
