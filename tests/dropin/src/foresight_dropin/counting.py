"""Suite ``counting``: how many objects are there? A ridge from the mean over tokens, which need not know where."""

from __future__ import annotations

from typing import Any

import torch
from foresight_harness.outcomes import Measurement, Outcome
from foresight_harness.protocols import SuiteCell
from torch import Tensor

PENALTY = 0.1
"""Times the number of pictures, on channels of unit variance."""


def protocol(cell: SuiteCell) -> dict[str, Any]:
    """The readout's own choices."""
    return {"readout": "counting/1", "penalty": PENALTY}


def score(cell: SuiteCell) -> Outcome:
    """Absolute error of each test picture's count, and what the train split's median scores there."""
    train, test = (
        torch.tensor(cell.split(name).labels.object_counts(), dtype=torch.float64) for name in ("train", "test")
    )
    errors = []
    for seed in cell.seeds:
        known, asked = (_means(cell, name, seed) for name in ("train", "test"))
        centre, spread = known.mean(0), known.std(0).clamp(min=1e-9)
        known, asked = (known - centre) / spread, (asked - centre) / spread
        gram = known.T @ known + PENALTY * len(known) * torch.eye(known.shape[1], dtype=torch.float64)
        weight = torch.linalg.solve(gram, known.T @ (train - train.mean()))
        errors.append((asked @ weight + train.mean() - test).abs())
    floor = float((train.median() - test).abs().mean())
    measured = Measurement(
        "count_error",
        unit="objects",
        direction="lower",
        range=(0.0, None),
        values=torch.stack(errors).numpy(),
        floor=floor,
        floor_by="median_count",
        seeds=cell.seeds,
    )
    return Outcome((measured,))


def _means(cell: SuiteCell, name: Any, seed: int) -> Tensor:
    """Mean over the tokens of each picture. [n, C] float64"""
    return torch.cat([batch.double().mean((1, 2, 3)) for batch in cell.conditioning(name, seed)])
