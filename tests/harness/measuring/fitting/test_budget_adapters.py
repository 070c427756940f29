"""Adapters of a given size."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.errors import FitError
from foresight_harness.measuring.fitting.budget_adapters import BUDGET_TOLERANCE, BudgetAdapter
from foresight_harness.parts.pixel_decoders.specs import ADAPTER_BUDGETS


@pytest.mark.parametrize("name", ADAPTER_BUDGETS)
@pytest.mark.parametrize(("width", "channels"), [(64, 128), (64, 192), (1280, 128), (3584, 128), (7168, 192)])
def test_budget_is_met_within_five_percent(name: str, width: int, channels: int) -> None:
    with torch.device("meta"):
        adapter = BudgetAdapter(width, channels, (4, 4), ADAPTER_BUDGETS[name])
    counted = sum(parameter.numel() for parameter in adapter.parameters())
    assert adapter.params == counted
    assert abs(counted - ADAPTER_BUDGETS[name]) <= BUDGET_TOLERANCE * ADAPTER_BUDGETS[name]


def test_budget_adapter_reaches_the_latent_grid_and_every_parameter() -> None:
    adapter = BudgetAdapter(7, 5, (2, 8), 20_000)
    out = adapter(torch.randn(2, 1, 4, 4, 7))
    assert out.shape == (2, 1, 2, 8, 5)
    out.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in adapter.parameters())


def test_budget_adapter_averages_over_every_cell_that_it_shrinks() -> None:
    adapter = BudgetAdapter(3, 2, (1, 1), 2_000)
    grid = torch.randn(1, 1, 4, 4, 3)
    before = adapter(grid)
    for row in range(4):
        for col in range(4):
            changed = grid.clone()
            changed[0, 0, row, col] += torch.tensor([1.0, -2.0, 0.5])
            assert not torch.allclose(adapter(changed), before, atol=1e-6)


def test_one_learning_rate_moves_small_and_large_budgets_alike() -> None:
    moved = []
    for budget in (20_000, 2_000_000):
        torch.manual_seed(0)
        adapter = BudgetAdapter(8, 4, (4, 4), budget)
        grid = torch.randn(8, 1, 4, 4, 8)
        before = adapter(grid).detach()
        optimiser = torch.optim.AdamW(adapter.parameters(), lr=2e-3)
        before_loss = (adapter(grid) - 1).square().mean()
        before_loss.backward()
        optimiser.step()
        moved.append((adapter(grid).detach() - before).abs().mean().item())
    assert 0.2 < moved[1] / moved[0] < 5


def test_budget_that_the_widths_do_not_allow_is_refused_with_the_nearest() -> None:
    with pytest.raises(FitError, match=r"of 1M parameters from 2000000 to 4 channels is not to be had; the nearest"):
        BudgetAdapter(2_000_000, 4, (2, 2), 1_000_000)
