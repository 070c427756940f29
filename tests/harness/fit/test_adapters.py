from __future__ import annotations

import torch
from foresight_harness.batches import TensorBatches
from foresight_harness.fit.adapters import ConvAdapter, fit_linear, on_latent_grid


def test_linear_adapter_recovers_a_linear_map() -> None:
    torch.manual_seed(0)
    grid = torch.randn(40, 1, 4, 4, 6)
    weight, bias = torch.randn(6, 5), torch.randn(5)
    latents = grid @ weight + bias
    adapter = fit_linear(TensorBatches(grid), TensorBatches(latents))
    assert torch.allclose(adapter(grid), latents, atol=1e-3)
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


def test_conv_adapter_reaches_the_latent_grid_and_every_parameter() -> None:
    adapter = ConvAdapter(width_in=7, channels=5, latent=(8, 8))
    out = adapter(torch.randn(2, 1, 4, 4, 7))
    assert out.shape == (2, 1, 8, 8, 5)
    out.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in adapter.parameters())
