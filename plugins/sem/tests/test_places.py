"""What the modules know about places, and what they cannot know."""

from __future__ import annotations

import foresight_sem
import pytest
import torch
from foresight_harness.contracts.specs import GridShape
from foresight_sem.coordinates import CoordinateInjection
from foresight_sem.tables import PlaceTable
from torch import Tensor, nn

torch.set_num_threads(1)

SPECS = {spec.name: spec for spec in foresight_sem.foresight_enhancers()}
SIDE, WIDTH = 6, 8


def blobs(count: int, *, shuffled: bool, seed: int) -> tuple[Tensor, Tensor]:
    """An oracle: coverage of a 2x2 object on six by six cells, and its centre.

    Returns:
        Tokens, permuted anew in every sample if ``shuffled`` [B, 1, H, W, C], and centres [B, 2].
    """
    generator = torch.Generator().manual_seed(seed)
    corners = torch.randint(0, SIDE - 1, (count, 2), generator=generator)
    index = torch.arange(SIDE)
    near = [(index >= corner[:, None]) & (index <= corner[:, None] + 1) for corner in corners.unbind(1)]
    mask = (near[0][:, :, None] & near[1][:, None, :]).float().reshape(count, SIDE * SIDE)
    if shuffled:
        mask = mask.gather(1, torch.rand(mask.shape, generator=generator).argsort(1))
    code = torch.randn(WIDTH, generator=torch.Generator().manual_seed(0))
    grid = (mask[..., None] * code).reshape(count, 1, SIDE, SIDE, WIDTH)
    return grid, corners.float() / (SIDE - 2) - 0.5


def centre_r2(name: str, *, shuffled: bool) -> float:
    """Share of the variance of held-out centres that the module and a linear readout explain."""
    torch.manual_seed(0)
    enhancer = SPECS[name].build(GridShape(SIDE, SIDE, WIDTH))
    assert isinstance(enhancer, nn.Module)
    made = SPECS[name].output_shape(GridShape(SIDE, SIDE, WIDTH))
    model = nn.Sequential(enhancer, nn.Flatten(), nn.Linear(made.cells * made.width, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    grids, centres = blobs(512, shuffled=shuffled, seed=1)
    for step in range(40):
        part = slice(32 * (step % 16), 32 * (step % 16) + 32)
        loss = (model(grids[part]) - centres[part]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    grids, centres = blobs(128, shuffled=shuffled, seed=2)
    with torch.no_grad():
        return float(1 - (model(grids) - centres).square().mean() / centres.var(0).mean())


@pytest.mark.parametrize("name", ["sem_coord", "sem_deform", "sem_upsample", "sem"])
def test_shuffled_tokens_cannot_be_put_back(name: str) -> None:
    assert centre_r2(name, shuffled=False) > 0.5
    assert centre_r2(name, shuffled=True) < 0.1


def test_equal_tokens_differ_by_their_place_once_trained() -> None:
    torch.manual_seed(0)
    module = CoordinateInjection(8)
    nn.init.normal_(module.fusion.weight)
    made = module(torch.ones(1, 1, 4, 4, 8)).reshape(16, 8)
    assert (torch.cdist(made, made) + torch.eye(16) * 9).min() > 1e-2


def test_the_table_is_itself_on_its_own_grid() -> None:
    table = PlaceTable(4)
    assert torch.equal(table(16, 16), table.places)


def test_a_coarse_grid_averages_the_table() -> None:
    table = PlaceTable(4)
    with torch.no_grad():
        table.places.copy_(torch.arange(16.0)[:, None, None].expand(16, 16, 4))
    assert torch.allclose(table(1, 1), torch.full((1, 1, 4), 7.5), atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (16, 4), (40, 24)])
def test_every_place_of_the_table_learns_at_any_grid(size: tuple[int, int]) -> None:
    table = PlaceTable(2)
    table(*size).sum().backward()
    assert table.places.grad is not None
    assert (table.places.grad != 0).all()
