"""When does fitting modules side by side (``torch.func``) beat fitting them one by one? Why a run stacks where it does.

    python benchmarks/perf/stacking.py [--enhancer NAME ...] [--members K] [--write]

Every member is an enhancer of its own seed with a localisation head, fitted to the coverage of noise grids by the
harness's own loops. Both are timed in turns in processor seconds, because wall time on a busy machine says little; the
ratio is the median over rounds, below 1 where the stack is faster.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from foresight_harness.contracts.specs import EnhancerSpec, GridShape
from foresight_harness.measuring.fitting.pathway import Pathway, Task
from foresight_harness.measuring.fitting.stacked import CPU_NUMBERS, train_stacked
from foresight_harness.parts.training import losses
from foresight_harness.parts.training.recipe import Recipe
from foresight_harness.parts.training.trainer import train
from foresight_harness.planning.registry import load_registry
from torch import Tensor, nn

FIGURES = Path(__file__).with_suffix(".json")
ENHANCERS = ("sem_coord", "sem_deform", "sem")
SIZES = ((4, 4, 16), (8, 4, 32), (8, 8, 32), (32, 4, 64), (32, 8, 64))
"""Batch, rows and columns, width: 1,024 to 131,072 numbers that go into one step of one member."""
STEPS = 4
ROUNDS = 3


def member(spec: EnhancerSpec, batch: int, shape: GridShape, seed: int) -> Task:
    """One fit in the making."""
    made = spec.output_shape(shape)
    generator = torch.Generator().manual_seed(seed)
    grids = torch.randn(batch, 1, shape.rows, shape.cols, shape.width, generator=generator)
    cover = torch.rand(batch, 1, made.rows, made.cols, generator=generator)
    torch.manual_seed(seed)
    module = spec.build(shape)
    assert isinstance(module, nn.Module)
    head = nn.Sequential(module, nn.LayerNorm(made.width), nn.Linear(made.width, 1))

    def loss(predicted: Tensor, picked: Sequence[int]) -> Tensor:
        return losses.coverage_bce(predicted[..., 0], cover[list(picked)])

    recipe = Recipe(STEPS, batch, ("coverage_bce",), name="stacking")
    return Task(Pathway(None, None, head), lambda picked: (grids[list(picked)],), loss, batch, recipe, seed)


def ratio(spec: EnhancerSpec, batch: int, shape: GridShape, members: int) -> float:
    """Processor seconds of the stack over those of the loop."""
    found = []
    for _ in range(ROUNDS + 1):  # the first round warms up
        alone, together = ([member(spec, batch, shape, seed) for seed in range(members)] for _ in range(2))
        began = time.process_time()
        for task in alone:
            train(task.pathway, task.loss_of, task.count, task.recipe, task.seed, parts=task.pathway.parts())
        between = time.process_time()
        train_stacked(together)
        found.append((time.process_time() - between) / (between - began))
    return median(found[1:])


def main() -> None:
    """Time every module and size, and print one line each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--enhancer", action="append", default=[])
    parser.add_argument("--members", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"renew {FIGURES.name}")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    registry = load_registry()
    rows: list[dict[str, Any]] = []
    for name in chosen.enhancer or ENHANCERS:
        spec = registry.enhancers[name]
        for batch, side, width in SIZES:
            shape = GridShape(side, side, width)
            made = spec.output_shape(shape)
            largest = batch * made.rows * made.cols * made.width
            entry = {"enhancer": name, "batch": batch, "side": side, "width": width, "largest_grid": largest}
            rows.append({**entry, "ratio": round(ratio(spec, batch, shape, chosen.members), 2)})
            stacks = "stacked" if largest <= CPU_NUMBERS else "one by one"
            print(
                f"{name:12} batch {batch:3} {side}x{side} width {width:3}: {largest:8,} numbers, "
                f"stack over loop {rows[-1]['ratio']:.2f}; a run fits these {stacks}",
                flush=True,
            )
    if chosen.write:
        facts = {"members": chosen.members, "steps": STEPS, "rounds": ROUNDS, "threads": chosen.threads}
        FIGURES.write_text(json.dumps({**facts, "torch": torch.__version__, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
