from __future__ import annotations

import math

import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.pixels import ssim
from foresight_harness.parts.metrics.temporal import frame_consistency, temporal_variance
from torch import Tensor


def test_still_is_perfectly_consistent(clips: Tensor) -> None:
    still = clips[:, :1].expand(-1, 4, -1, -1, -1)
    assert frame_consistency(still).tolist() == pytest.approx([1.0] * 3)


def test_consistency_is_the_mean_over_neighbouring_frames(clips: Tensor, noisy: Tensor) -> None:
    clip = torch.cat([clips[:, :1], noisy[:, :1], clips[:, 1:]], dim=1)
    expected = (ssim(clip[:, :1], clip[:, 1:2]) + ssim(clip[:, 1:2], clip[:, 2:])) / 2
    torch.testing.assert_close(frame_consistency(clip), expected)


def test_single_frames_are_nan_not_one(clips: Tensor) -> None:
    assert frame_consistency(clips[:, :1]).isnan().all()
    assert temporal_variance(torch.ones(3, 1)).isnan().all()


def test_variance_by_hand() -> None:
    values = temporal_variance(torch.tensor([[1.0, 3.0], [2.0, 2.0]]))
    assert values.tolist() == [2.0, 0.0]
    assert values.dtype == torch.float64


def test_variance_refuses_what_it_cannot_read() -> None:
    with pytest.raises(DataError, match="1 of 2 frame values are not finite"):
        temporal_variance(torch.tensor([[1.0, math.nan]]))
    with pytest.raises(DataError, match=r"\[B, T\], got shape \(3,\)"):
        temporal_variance(torch.ones(3))


def test_consistency_guards_the_range(clips: Tensor) -> None:
    with pytest.raises(DataError, match="Divide by 255"):
        frame_consistency(clips * 255)
