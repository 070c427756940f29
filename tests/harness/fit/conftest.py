"""Small real runs with an enhancer that has something to learn, and some that cannot be fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from foresight_harness.options import DatasetChoice
from foresight_harness.registry import Registry
from foresight_harness.run.bench import Bench
from foresight_harness.run.cell import Cell
from foresight_harness.specs import EnhancerSpec, GridShape
from torch import Tensor, nn

torch.set_num_threads(1)


class Residual(nn.Module):
    """A per-token correction, and what is planted in it."""

    def __init__(self, width: int, planted: str) -> None:
        super().__init__()
        self.planted = planted
        self.correct = nn.Linear(width, width)

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> the same shape."""
        corrected: Tensor = grid + self.correct(grid)
        if self.planted == "nan":
            return corrected * torch.nan
        if self.planted == "branch" and bool(corrected.sum() > 1e9):
            return grid
        return corrected


def _spec(name: str, planted: str) -> EnhancerSpec:
    def build(shape: GridShape) -> nn.Module:
        if planted == "build":
            raise ValueError("this width cannot be built")
        return Residual(shape.width, planted)

    return EnhancerSpec(name, build=build, output_shape=lambda shape: shape, trainable=True)  # type: ignore[arg-type]


@pytest.fixture
def learning(builtins: Registry) -> Registry:
    """The harness's own offers, an enhancer with parameters, and broken ones."""
    planted = {"residual": "", "residual_nan": "nan", "residual_branch": "branch", "residual_build": "build"}
    found = {name: _spec(name, kind) for name, kind in planted.items()}
    return replace(builtins, enhancers={**builtins.enhancers, **found})


MakeCell = Callable[..., Cell]


@pytest.fixture
def make_cell(planned) -> MakeCell:  # type: ignore[no-untyped-def]
    """A cell of a run, as a suite is given it."""

    def make(bench: Bench, candidate: str, suite_name: str = "reconstruction") -> Cell:
        found = planned(bench.registry, candidate, suite_name)
        return Cell(bench, found.candidate, found.suite, DatasetChoice("shapes"))

    return make
