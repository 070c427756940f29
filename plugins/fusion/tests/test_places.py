"""What the fusions know about places, and what they cannot know."""

from __future__ import annotations

import foresight_fusion
import pytest
import torch
from foresight_harness.contracts.specs import GridShape
from torch import Tensor, nn

torch.set_num_threads(1)

SPECS = {spec.name: spec for spec in foresight_fusion.foresight_fusions()}
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


def centre_r2(name: str, *, shuffled: bool, steps: int, rate: float) -> float:
    """Share of the variance of held-out centres that the fusion and a linear readout explain.

    The second stream is the first at half the rows, so that nothing unshuffled comes in through it.
    """
    torch.manual_seed(0)
    shapes = [GridShape(SIDE, SIDE, WIDTH), GridShape(SIDE // 2, SIDE, WIDTH)]
    fusion = SPECS[name].build(shapes)
    assert isinstance(fusion, nn.Module)
    made = SPECS[name].output_shape(shapes)
    readout = nn.Sequential(nn.Flatten(), nn.Linear(made.cells * made.width, 2))
    optimizer = torch.optim.Adam([*fusion.parameters(), *readout.parameters()], lr=rate)

    def predict(grids: Tensor) -> Tensor:
        predicted: Tensor = readout(fusion([grids, grids[:, :, ::2]]))
        return predicted

    grids, centres = blobs(512, shuffled=shuffled, seed=1)
    for step in range(steps):
        part = slice(16 * (step % 32), 16 * (step % 32) + 16)
        loss = (predict(grids[part]) - centres[part]).square().mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    grids, centres = blobs(128, shuffled=shuffled, seed=2)
    with torch.no_grad():
        return float(1 - (predict(grids) - centres).square().mean() / centres.var(0).mean())


@pytest.mark.parametrize(
    ("name", "steps", "rate"),
    [
        ("film", 60, 3e-3),
        ("gated", 60, 3e-3),
        ("dual_stream", 60, 3e-3),
        ("perceiver", 48, 1e-3),
        ("qformer", 48, 1e-3),
    ],
)
def test_shuffled_tokens_cannot_be_put_back(name: str, steps: int, rate: float) -> None:
    assert centre_r2(name, shuffled=False, steps=steps, rate=rate) > 0.3
    assert centre_r2(name, shuffled=True, steps=steps, rate=rate) < 0.1
