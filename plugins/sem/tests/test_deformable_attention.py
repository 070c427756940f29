"""Deformable attention against a loop over queries, heads and points."""

from __future__ import annotations

import math

import pytest
import torch
from foresight_sem.deformable_attention import DeformableAttention, _ring
from torch import Tensor

torch.set_num_threads(1)


def bilinear(plane: Tensor, x: float, y: float) -> Tensor:
    """Value of [H, W, C] at (x, y) in cells from the centre of cell (0, 0), zero outside."""
    rows, cols, width = plane.shape
    value = torch.zeros(width)
    for row in (math.floor(y), math.floor(y) + 1):
        for col in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < rows and 0 <= col < cols:
                value += (1 - abs(y - row)) * (1 - abs(x - col)) * plane[row, col]
    return value


def by_loop(module: DeformableAttention, queries: Tensor, references: Tensor, maps: list[Tensor]) -> Tensor:
    batch, count, width = queries.shape
    heads, levels, points, share = module.heads, module.levels, module.points, width // module.heads
    offsets = module.offsets(queries).reshape(batch, count, heads, levels, points, 2)
    weights = module.weights(queries).reshape(batch, count, heads, levels * points).softmax(-1)
    read = torch.zeros(batch, count, width)
    for b in range(batch):
        for n in range(count):
            for h in range(heads):
                for level in range(levels):
                    values = module.value(maps[level][b])[..., h * share : (h + 1) * share]
                    rows, cols = values.shape[:2]
                    for p in range(points):
                        dx, dy = offsets[b, n, h, level, p].tolist()
                        x = float(references[b % len(references), n, 0]) * cols + dx - 0.5
                        y = float(references[b % len(references), n, 1]) * rows + dy - 0.5
                        weight = weights[b, n, h, level * points + p]
                        read[b, n, h * share : (h + 1) * share] += weight * bilinear(values, x, y)
    result: Tensor = module.output(read)
    return result


@pytest.mark.parametrize("levels", [1, 2])
def test_sampling_equals_a_loop_over_bilinear_reads(levels: int) -> None:
    torch.manual_seed(0)
    module = DeformableAttention(16, heads=4, points=3, levels=levels)
    queries, references = torch.randn(2, 5, 16), torch.rand(2, 5, 2)
    maps = [torch.randn(2, 6, 4, 16), torch.randn(2, 3, 2, 16)][:levels]
    with torch.no_grad():
        assert torch.allclose(module(queries, references, maps), by_loop(module, queries, references, maps), atol=1e-5)


def test_one_reference_serves_every_sample() -> None:
    torch.manual_seed(0)
    module = DeformableAttention(8, heads=2)
    queries, references, values = torch.randn(3, 4, 8), torch.rand(1, 4, 2), torch.randn(3, 5, 5, 8)
    repeated = module(queries, references.expand(3, -1, -1), [values])
    assert torch.allclose(module(queries, references, [values]), repeated)


def test_without_offsets_a_query_reads_the_cell_it_points_at() -> None:
    torch.manual_seed(0)
    module = DeformableAttention(8, heads=2)
    with torch.no_grad():
        module.offsets.weight.zero_()
        module.offsets.bias.zero_()
        values = torch.randn(1, 4, 4, 8)
        centre_of_row_1_column_2 = torch.tensor([[[2.5 / 4, 1.5 / 4]]])
        read = module(torch.randn(1, 1, 8), centre_of_row_1_column_2, [values])
        assert torch.allclose(read[0, 0], module.output(module.value(values[0, 1, 2])), atol=1e-5)


def test_heads_start_in_eight_directions_one_cell_further_with_every_point() -> None:
    ring = _ring(8, 1, 4).reshape(8, 4, 2)
    assert torch.allclose(ring[0], torch.tensor([[1.0, 0], [2, 0], [3, 0], [4, 0]]), atol=1e-6)
    assert torch.allclose(ring[3, 1], torch.tensor([-2.0, 2.0]), atol=1e-5)


def test_offsets_follow_the_query() -> None:
    torch.manual_seed(0)
    module = DeformableAttention(8, heads=2)
    values, references = torch.randn(1, 6, 6, 8), torch.full((1, 1, 2), 0.5)
    first, second = (module(torch.randn(1, 1, 8), references, [values]) for _ in range(2))
    assert not torch.allclose(first, second, atol=1e-4)
