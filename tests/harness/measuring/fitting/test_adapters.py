from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.contracts.specs import GridShape
from foresight_harness.measuring.fitting.adapters import (
    PLACINGS,
    CellLinear,
    ConvAdapter,
    build_adapter,
    decode_latents,
    fit_linear,
    gathered,
    on_latent_grid,
)
from foresight_harness.measuring.fitting.budget_adapters import BudgetAdapter


def test_linear_adapter_recovers_a_linear_map() -> None:
    torch.manual_seed(0)
    grid = torch.randn(40, 1, 4, 4, 6)
    weight, bias = torch.randn(6, 5), torch.randn(5)
    latents = grid @ weight + bias
    adapter = fit_linear(TensorBatches(grid), TensorBatches(latents))
    assert torch.allclose(adapter(grid), latents, rtol=1e-3, atol=1e-3)
    assert adapter.params == 6 * 5 + 5


def test_fewer_cells_than_channels_take_the_dual_form_and_do_not_explode() -> None:
    torch.manual_seed(0)
    grid, latents = torch.randn(6, 1, 1, 1, 200), torch.randn(6, 1, 1, 1, 2)
    adapter = fit_linear(TensorBatches(grid), TensorBatches(latents))
    assert adapter(torch.randn(50, 1, 1, 1, 200)).abs().max() < 10


def test_conditioning_is_brought_to_the_latent_grid() -> None:
    rows = torch.arange(4.0).reshape(1, 1, 4, 1, 1).expand(1, 1, 4, 4, 1)
    halved = on_latent_grid(rows, (1, 2, 2))
    assert halved[0, 0, :, :, 0].tolist() == [[0.5, 0.5], [2.5, 2.5]]
    assert on_latent_grid(rows, (3, 4, 4)).shape == (1, 3, 4, 4, 1)


def test_tokens_of_a_latent_cell_become_its_channels_in_raster_order() -> None:
    grid = torch.arange(16.0).reshape(1, 1, 4, 4, 1)
    assert gathered(grid, (1, 2, 2))[0, 0].tolist() == [
        [[0, 1, 4, 5], [2, 3, 6, 7]],
        [[8, 9, 12, 13], [10, 11, 14, 15]],
    ]
    assert torch.equal(gathered(grid, (1, 4, 4)), grid)
    assert gathered(grid, (2, 4, 2)).shape == (1, 2, 4, 2, 2)


def test_grids_that_are_no_multiple_are_resampled_to_the_largest_one_and_keep_their_order() -> None:
    places = torch.linspace(0, 1, 16).reshape(1, 1, 1, 16, 1).expand(1, 1, 16, 16, 1)
    cells = gathered(places, (1, 7, 7))
    assert cells.shape == (1, 1, 7, 7, 4)
    left_to_right = cells[0, 0, 0, :, :2].flatten()
    assert (left_to_right.diff() > 0).all()
    assert torch.equal(gathered(places, (1, 24, 24)), on_latent_grid(places, (1, 24, 24)))


def test_a_linear_adapter_that_gathers_knows_where_in_a_cell_a_token_was_and_one_that_averages_does_not() -> None:
    torch.manual_seed(0)
    grid = torch.randn(200, 1, 4, 4, 2)
    latents = grid[:, :, ::2, 1::2, :1]  # the first channel of the token at the upper right of each block
    fits = {cells: fit_linear(TensorBatches(grid), TensorBatches(latents), cells) for cells in PLACINGS}
    error = {
        cells: (decode_latents(adapter, grid, (1, 2, 2)) - latents).square().mean() for cells, adapter in fits.items()
    }
    assert error["gathered"] < 1e-4
    assert error["averaged"] > 0.6
    assert (fits["gathered"].params, fits["averaged"].params) == (2 * 4 + 1, 2 + 1)


def test_conv_adapter_reaches_the_latent_grid_and_every_parameter() -> None:
    adapter = ConvAdapter(width_in=7, channels=5, latent=(8, 8))
    out = adapter(torch.randn(2, 1, 4, 4, 7))
    assert out.shape == (2, 1, 8, 8, 5)
    out.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in adapter.parameters())


def test_decoder_decides_the_adapter(builtins) -> None:
    shape = GridShape(4, 6, 8)
    built = [
        build_adapter(builtins.decoder(name), shape, 12, (2, 2))
        for name in ("linear", "averaged", "conv", "adapter_1m:conv")
    ]
    assert [type(adapter) for adapter in built] == [CellLinear, CellLinear, ConvAdapter, BudgetAdapter]
    assert [adapter.in_features for adapter in built[:2]] == [8 * 2 * 3, 8]


def test_a_step_of_adam_moves_the_answer_as_far_over_many_tokens_as_over_one() -> None:
    moved = []
    for joined in (1, 16):
        torch.manual_seed(0)
        layer = CellLinear(4 * joined, 1, joined)
        tokens = torch.ones(1, 4 * joined)
        before = layer(tokens)
        optimiser = torch.optim.AdamW(layer.parameters(), lr=1e-2, weight_decay=0.0)
        before.square().sum().backward()
        optimiser.step()
        moved.append(float((layer(tokens) - before).abs().sum()))
    assert moved[1] == pytest.approx(moved[0], rel=1e-3)
