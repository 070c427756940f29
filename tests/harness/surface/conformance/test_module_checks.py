from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from foresight_harness.contracts.specs import GridShape
from foresight_harness.surface.conformance import module_checks as checks
from foresight_harness.surface.conformance.module_checks import ModuleCase
from foresight_harness.testing import ConformanceError
from torch import Tensor, nn

WIDTH = 16
SHAPE = GridShape(rows=3, cols=5, width=WIDTH, frames=2)


class Enhancer(nn.Module):
    """Twice the grid, honest unless ``fault`` names a fault; the gate starts at 0 as in real modules."""

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.fault = fault
        self.gate = nn.Parameter(torch.zeros(1))
        self.mix = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        if fault == "dead_parameter":
            self.unused = nn.Linear(2, 2)
        if fault == "frozen":
            self.out.requires_grad_(False)
        if fault == "private_seed":
            nn.init.normal_(self.mix.weight, generator=torch.Generator().manual_seed(0))
            for parameter in (self.mix.bias, self.out.weight, self.out.bias):
                nn.init.zeros_(parameter)
        if fault == "unseeded":
            nn.init.normal_(self.mix.weight, generator=_unseeded())

    def forward(self, grid: Tensor) -> Tensor:
        if self.fault == "blind":
            grid = torch.zeros_like(grid)
        hidden = self.mix(grid)
        if self.fault == "batch_dependence":
            hidden = hidden - hidden.mean(0, keepdim=True)
        if self.fault == "detached":
            hidden = hidden.detach()
        if self.fault == "float32_inside":
            hidden = hidden.float() + torch.zeros(1, dtype=torch.float32)
        if self.fault == "nan":
            hidden = hidden / 0
        if self.fault == "noise":
            hidden = hidden + torch.randn_like(hidden)
        grid = grid + self.gate * self.out(hidden.to(self.out.weight.dtype)).relu()
        if self.fault == "float32_inside":
            grid = grid.float()
        if self.fault == "saturated":
            grid = grid.detach() + 0 * grid
        if self.fault == "swapped":
            batch, frames, rows, cols, width = grid.shape
            grid = grid.reshape(batch, frames, cols, rows, width).transpose(2, 3)
        factor = 1 if self.fault == "not_enlarged" else 2
        return grid.repeat_interleave(factor, 2).repeat_interleave(factor, 3)


def _unseeded() -> torch.Generator:
    generator = torch.Generator()
    generator.seed()
    return generator


class Sum(nn.Module):
    """Fusion by a sum, weighted where ``order_matters``."""

    def __init__(self, order_matters: bool) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([1.0, 2.0]) if order_matters else torch.ones(1))

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        stacked: Tensor = torch.stack(list(grids), -1)
        return (stacked * self.weights).sum(-1)


def enhancer_case(fault: str = "") -> ModuleCase:
    def call(module: Any, inputs: Sequence[Tensor]) -> Tensor:
        output: Tensor = module(*inputs)
        return output

    expected = GridShape(rows=6, cols=10, width=WIDTH, frames=2)
    trainable = fault != "declared_untrainable"
    return ModuleCase("fake", (SHAPE,), expected, lambda: Enhancer(fault), call, trainable)


def fusion_case(order_matters: bool) -> ModuleCase:
    def call(module: Any, inputs: Sequence[Tensor]) -> Tensor:
        output: Tensor = module(inputs)
        return output

    return ModuleCase("sum", (SHAPE, SHAPE), SHAPE, lambda: Sum(order_matters), call, trainable=True)


CHECKS: dict[str, Callable[[ModuleCase], None]] = {
    "shape": checks.check_shape,
    "gradients": checks.check_gradients,
    "dtypes": checks.check_dtypes,
    "seed": checks.check_seed,
    "batch_split": checks.check_batch_split,
    "overfit": checks.check_overfit,
    "place": lambda case: checks.check_place(case, tolerance_cells=0),
}

CAUGHT = [
    ("shape", "not_enlarged"),
    ("shape", "nan"),
    ("gradients", "dead_parameter"),
    ("gradients", "detached"),
    ("gradients", "blind"),
    ("gradients", "frozen"),
    ("gradients", "declared_untrainable"),
    ("dtypes", "float32_inside"),
    ("seed", "noise"),
    ("seed", "unseeded"),
    ("seed", "private_seed"),
    ("batch_split", "batch_dependence"),
    ("batch_split", "noise"),
    ("overfit", "saturated"),
    ("place", "swapped"),
]


@pytest.mark.parametrize("check", list(CHECKS))
def test_an_honest_module_passes_every_check(check: str) -> None:
    CHECKS[check](enhancer_case())


@pytest.mark.parametrize(("check", "fault"), CAUGHT)
def test_a_planted_fault_is_caught_by_its_check(check: str, fault: str) -> None:
    with pytest.raises(ConformanceError) as caught:
        CHECKS[check](enhancer_case(fault))
    assert "\n" not in str(caught.value)


def test_every_check_has_a_fault_that_it_catches() -> None:
    assert set(CHECKS) == {check for check, _ in CAUGHT}


@pytest.mark.parametrize("order_matters", [True, False])
def test_order_of_streams_is_compared_with_the_declaration(order_matters: bool) -> None:
    checks.check_stream_order(fusion_case(order_matters), order_matters)
    with pytest.raises(ConformanceError, match="streams exchanged"):
        checks.check_stream_order(fusion_case(order_matters), not order_matters)


def test_a_token_set_with_several_rows_is_caught() -> None:
    case = enhancer_case()
    wrong = ModuleCase("set", case.shapes, GridShape(6, 10, WIDTH, 2, is_set=True), case.factory, case.call, True)
    with pytest.raises(ConformanceError, match="one row"):
        checks.check_shape(wrong)


def test_building_a_case_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    enhancer_case().build(1)
    assert torch.equal(torch.get_rng_state(), before)
