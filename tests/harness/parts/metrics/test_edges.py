from __future__ import annotations

import math

import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.edges import edge_f1, edge_map
from torch import Tensor


def step(column: int, *, height: float = 1.0) -> Tensor:
    """A vertical step at ``column``. [1, 1, 3, 32, 32]"""
    picture = torch.zeros(1, 1, 3, 32, 32)
    picture[..., column:] = height
    return picture


def test_step_has_edges_at_its_two_sides_alone() -> None:
    edges = edge_map(step(16)[0, 0])
    assert edges[5:-5].any(axis=1).all()
    assert set(edges.nonzero()[1].tolist()) == {15, 16}


def test_edge_within_one_pixel_counts_and_further_does_not() -> None:
    assert edge_f1(step(16), step(16)).item() == 1.0
    assert edge_f1(step(17), step(16)).item() == 1.0
    assert edge_f1(step(19), step(16)).item() == 0.0


def test_missing_half_of_the_edges_by_hand() -> None:
    # Two edges in the target, one in the output: precision 1, recall 1/2, F1 2/3.
    both = step(8) - step(24)
    assert edge_f1(step(8), both).item() == pytest.approx(2 / 3, abs=0.01)
    assert edge_f1(both, step(8)).item() == pytest.approx(2 / 3, abs=0.01)


def test_weak_step_has_no_edge() -> None:
    assert not edge_map(step(16, height=0.02)[0, 0]).any()


def test_definedness_depends_on_the_target_alone() -> None:
    flat = torch.full((1, 1, 3, 32, 32), 0.5)
    assert math.isnan(edge_f1(flat, flat).item())
    assert math.isnan(edge_f1(step(16), flat).item())
    assert edge_f1(flat, step(16)).item() == 0.0


def test_frames_without_target_edges_are_left_out() -> None:
    flat = torch.full((1, 1, 3, 32, 32), 0.5)
    target, output = torch.cat([flat, step(16), step(16)], dim=1), torch.cat([flat, step(16), step(20)], dim=1)
    assert edge_f1(output, target).tolist() == [0.5]


def test_noise_lowers_the_score(clips: Tensor, noisy: Tensor) -> None:
    perfect, disturbed = edge_f1(clips, clips), edge_f1(noisy, clips)
    assert perfect.tolist() == [1.0] * 3
    assert bool((disturbed < 1).all())
    assert disturbed.dtype == torch.float64


def test_range_is_guarded(clips: Tensor) -> None:
    with pytest.raises(DataError, match=r"Map \[-1, 1\]"):
        edge_f1(clips, clips * 2 - 1)
