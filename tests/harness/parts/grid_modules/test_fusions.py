"""Built-in fusions by hand."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.errors import GridError
from foresight_harness.parts.grid_modules.fusions import ConcatFusion, SingleFusion


def test_single_returns_its_input() -> None:
    grid = torch.randn(1, 1, 2, 3, 4)
    assert SingleFusion()([grid]) is grid


def test_concat_enlarges_the_coarse_stream_by_interpolation() -> None:
    coarse, fine = torch.tensor([0.0, 4.0]).reshape(1, 1, 1, 2, 1), torch.zeros(1, 1, 2, 4, 1)
    made = ConcatFusion()([coarse, fine])
    assert made.shape == (1, 1, 2, 4, 2)
    assert torch.allclose(made[0, 0, 0, :, 0], torch.tensor([0.0, 1.0, 3.0, 4.0]))


def test_concat_refuses_unequal_frames() -> None:
    with pytest.raises(GridError, match=r"equal frames, got \[1, 2\]"):
        ConcatFusion()([torch.zeros(1, 1, 2, 2, 3), torch.zeros(1, 2, 2, 2, 3)])


def test_concat_resamples_in_half_precision() -> None:
    coarse, fine = torch.randn(1, 1, 2, 2, 3), torch.randn(1, 1, 3, 5, 1)
    made = ConcatFusion()([coarse.bfloat16(), fine.bfloat16()])
    assert made.dtype == torch.bfloat16
    assert torch.allclose(made.float(), ConcatFusion()([coarse, fine]), atol=0.03)
