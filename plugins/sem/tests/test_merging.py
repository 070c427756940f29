"""What may replace a 2x2 merger: where it starts, what it tells apart, and which grids it takes."""

from __future__ import annotations

import foresight_sem
import pytest
import torch
from foresight_harness import GridError
from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.specs import GridShape
from foresight_sem.merge_presets import MERGES
from foresight_sem.merging import HEADS, SpatialMerge, blocks_of
from torch import Tensor, nn
from torch.nn import functional as F

torch.set_num_threads(1)

NAMES = [merge.name for merge in MERGES]
SPECS = {spec.name: spec for spec in foresight_sem.foresight_enhancers() if spec.name in NAMES}
QWEN = GridShape(16, 16, 1280)
"""Tokens before the merging of the 7B model."""
WIDTH = 16


def built(name: str, shape: GridShape, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    module = SPECS[name].build(shape)
    assert isinstance(module, nn.Module)
    return module


def count(name: str, shape: GridShape) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in built(name, shape).parameters())


def planted(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """One token of a 4x6 grid is told from the rest by its content; in which quarter of its block does it stand?

    Returns:
        Tokens [B, 1, 4, 6, C]; quarter of each [B]; row and column of its block [B, 2].
    """
    generator = torch.Generator().manual_seed(seed)
    code = torch.randn(WIDTH, generator=torch.Generator().manual_seed(0))
    grid = 0.1 * torch.randn(count, 1, 4, 6, WIDTH, generator=generator)
    rows = torch.randint(0, 4, (count,), generator=generator)
    cols = torch.randint(0, 6, (count,), generator=generator)
    grid[torch.arange(count), 0, rows, cols] += code
    return grid, 2 * (rows % 2) + cols % 2, torch.stack([rows // 2, cols // 2], dim=1)


def quarters_told(merge: nn.Module) -> float:
    """Share of held-out quarters that a linear readout names from the merged token of the block."""
    readout = nn.Linear(WIDTH, 4)
    optimizer = torch.optim.Adam([*merge.parameters(), *readout.parameters()], lr=1e-2)
    grids, quarters, blocks = planted(512, seed=1)

    def logits(grids: Tensor, blocks: Tensor) -> Tensor:
        found: Tensor = readout(merge(grids)[torch.arange(len(grids)), 0, blocks[:, 0], blocks[:, 1]])
        return found

    for step in range(80):
        part = slice(64 * (step % 8), 64 * (step % 8) + 64)
        loss = F.cross_entropy(logits(grids[part], blocks[part]), quarters[part])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    grids, quarters, blocks = planted(512, seed=2)
    with torch.no_grad():
        return float((logits(grids, blocks).argmax(-1) == quarters).float().mean())


class Mean(nn.Module):
    """What the merges start as, with nothing to learn."""

    def forward(self, grid: Tensor) -> Tensor:
        return blocks_of(grid).mean(-2)


def test_blocks_are_those_of_neighbours_in_raster_order() -> None:
    numbers = torch.arange(24.0).reshape(1, 1, 4, 6, 1)
    blocks = blocks_of(numbers)
    assert blocks.shape == (1, 1, 2, 3, 4, 1)
    assert blocks[0, 0, 0, 0, :, 0].tolist() == [0, 1, 6, 7]
    assert blocks[0, 0, 1, 2, :, 0].tolist() == [16, 17, 22, 23]


@pytest.mark.parametrize("size", [(2, 2), (4, 10), (14, 6)])
@pytest.mark.parametrize("name", NAMES)
def test_before_training_a_block_is_its_mean(name: str, size: tuple[int, int]) -> None:
    rows, cols = size
    tokens = torch.randn(2, 3, rows, cols, 24, generator=torch.Generator().manual_seed(1))
    mean = F.avg_pool2d(tokens.flatten(0, 1).permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1).unflatten(0, (2, 3))
    assert torch.allclose(built(name, GridShape(rows, cols, 24, frames=3))(tokens), mean, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_planned_shape_has_half_the_rows_and_columns(name: str) -> None:
    assert SPECS[name].output_shape(GridShape(6, 10, 48, frames=2)) == GridShape(3, 5, 48, frames=2)


def test_a_planted_place_is_told_from_the_other_three_and_by_neither_mean_nor_control() -> None:
    torch.manual_seed(0)
    told = {name: quarters_told(built(name, GridShape(4, 6, WIDTH))) for name in NAMES} | {
        "mean": quarters_told(Mean())
    }
    assert told["spatial_merge"] > 0.95
    assert told["mlp_merge"] > 0.95
    assert told["spatial_merge_no_place"] < 0.35, "a quarter is chance"
    assert told["mean"] < 0.35


def test_the_control_gives_the_same_whatever_the_order_in_a_block_and_the_module_does_not() -> None:
    torch.manual_seed(0)
    for placed in (True, False):
        module = SpatialMerge(WIDTH, placed=placed)
        nn.init.normal_(module.up.weight)
        tokens = torch.randn(1, 1, 2, 2, WIDTH, generator=torch.Generator().manual_seed(1))
        same = torch.allclose(module(tokens), module(tokens.flip(2)), atol=1e-5)
        assert same is not placed


def test_every_head_starts_on_its_own_quarter_and_every_quarter_has_two() -> None:
    favour = SpatialMerge(WIDTH).favour.softmax(-1)
    assert favour.argmax(-1).bincount().tolist() == [HEADS // 4] * 4
    assert favour.max(-1).values.tolist() == pytest.approx([0.711] * HEADS, abs=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_tokens_stay_in_their_block_and_frames_do_not_mix(name: str) -> None:
    module = built(name, GridShape(4, 6, WIDTH, frames=2))
    nn.init.normal_(module.up.weight)
    tokens = torch.randn(1, 2, 4, 6, WIDTH, generator=torch.Generator().manual_seed(1))
    other = tokens.clone()
    other[0, 1, 2, 5] += 1
    moved = (module(other) - module(tokens)).abs().amax(-1) > 1e-6
    assert moved.nonzero().tolist() == [[0, 1, 1, 2]]


def test_attention_and_mlp_have_equal_budgets_at_the_width_of_the_published_merger() -> None:
    assert count("spatial_merge", QWEN) == pytest.approx(2.1e6, rel=0.02)
    assert count("mlp_merge", QWEN) == pytest.approx(count("spatial_merge", QWEN), rel=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_odd_grids_are_refused_when_planned_and_when_run(name: str) -> None:
    with pytest.raises(CandidateError, match=rf"^{name} makes one token of 2x2, got 5x6 tokens\. Take a tap"):
        SPECS[name].output_shape(GridShape(5, 6, 8))
    with pytest.raises(GridError, match="even sides, got 4x3 tokens"):
        built(name, GridShape(4, 4, 8))(torch.zeros(1, 1, 4, 3, 8))
