from __future__ import annotations

import math

import pytest
import torch
from foresight_harness.contracts.errors import DataError, GridError
from foresight_harness.parts.metrics.guards import require_clips, require_features, require_pair, require_rows
from torch import Tensor


def test_clips_in_range_come_back_unchanged(clips: Tensor) -> None:
    assert torch.equal(require_clips(clips, "output"), clips)


def test_rounding_beyond_the_range_is_accepted(clips: Tensor) -> None:
    assert require_clips(clips * 0 + 1.00005, "output").shape == clips.shape


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x * 255, r"output: pixels lie in \[.*, 2\d\d.*\], metrics read \[0, 1\]. Divide by 255\?$"),
        (lambda x: x * 2 - 1, r"output: pixels lie in \[-0.*\], metrics read \[0, 1\]. Map \[-1, 1\]"),
        (lambda x: x * 1.2, r"Clamp the decoder\?$"),
        (lambda x: (x * 255).to(torch.uint8), r"floats in \[0, 1\], got torch.uint8"),
        (lambda x: x[:, 0], r"\[B, T, 3, H_px, W_px\], got shape \(3, 3, 40, 36\). Is the frame axis missing"),
        (lambda x: x[:, :, :1], r"got shape \(3, 2, 1, 40, 36\)"),
        (lambda x: x[:0], r"no pixels"),
        (lambda x: x.clone().index_fill_(0, torch.tensor([1]), math.nan), r"8640 of 25920 pixel values are not finite"),
        (lambda x: x.clone().index_fill_(0, torch.tensor([1]), math.inf), r"8640 of 25920 pixel values are not finite"),
    ],
)
def test_unusable_clips_are_refused_in_one_line(clips: Tensor, change: object, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        require_clips(change(clips), "output")  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_clips_of_two_shapes_are_refused(clips: Tensor) -> None:
    with pytest.raises(DataError, match=r"output \(3, 2, 3, 40, 36\) and target \(2, 2, 3, 40, 36\) differ"):
        require_pair(clips, clips[:2])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (torch.zeros(2, 3, 4), r"x: features are rows \[n, d\], got shape \(2, 3, 4\)"),
        (torch.zeros(3, 0), r"got shape \(3, 0\)"),
        (torch.zeros(3, 2), r"3 rows, but this metric needs at least 4"),
        (torch.zeros(5, 2, dtype=torch.int64), r"features are floats, got torch.int64"),
        (torch.tensor([[1.0], [math.nan], [math.inf], [-math.inf]]), r"3 of 4 feature values are not finite"),
    ],
)
def test_unusable_features_are_refused_in_one_line(rows: Tensor, message: str) -> None:
    with pytest.raises(GridError, match=message) as caught:
        require_features(rows, "x", least=4)
    assert "\n" not in str(caught.value)


def test_rows_of_two_counts_are_refused() -> None:
    with pytest.raises(GridError, match=r"x has 3 rows and y 4"):
        require_rows(torch.zeros(3, 2), torch.zeros(4, 2))
