"""Resampling and the check for finite values: the quick ways give what the plain ones give."""

from __future__ import annotations

import math

import pytest
import torch
from foresight_harness.contracts.errors import GridError
from foresight_harness.grids import require_finite, resample_tokens
from torch.nn import functional as F


@pytest.mark.parametrize("size", [(32, 32), (16, 31), (18, 27), (8, 40), (7, 5), (16, 9)])
def test_resampling_is_that_of_the_filtered_kernel_channel_by_channel(size: tuple[int, int]) -> None:
    tokens = torch.randn(2, 3, 16, 16, 5)
    found = resample_tokens(tokens, size)
    flat = tokens.permute(0, 1, 4, 2, 3).flatten(0, 1)
    shrinks = size[0] <= 16 and size[1] <= 16
    true = F.adaptive_avg_pool2d(flat, size) if shrinks else F.interpolate(flat, size, mode="bilinear", antialias=True)
    assert found.shape == (2, 3, *size, 5)
    torch.testing.assert_close(found, true.unflatten(0, (2, 3)).permute(0, 1, 3, 4, 2), rtol=1e-5, atol=5e-6)


def test_an_enlarged_grid_lies_in_memory_with_channels_last_so_that_no_reader_copies_it() -> None:
    assert resample_tokens(torch.randn(2, 1, 4, 4, 8), (8, 8)).is_contiguous()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_one_value_that_is_not_finite_is_refused_wherever_it_stands(value: float) -> None:
    tokens = torch.randn(4, 1, 3, 3, 5)
    tokens[2, 0, 1, 2, 3] = value
    with pytest.raises(GridError, match="here: 1 of 180 feature values are not finite"):
        require_finite(tokens, "here")


def test_infinities_that_cancel_are_refused() -> None:
    with pytest.raises(GridError, match="2 of 4"):
        require_finite(torch.tensor([1.0, math.inf, -math.inf, 0.0]), "here")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_finite_values_whose_sum_overflows_are_accepted(dtype: torch.dtype) -> None:
    require_finite(torch.full((64, 1024), torch.finfo(dtype).max, dtype=dtype), "here")
