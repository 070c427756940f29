from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.pixels import PSNR_CAP, frame_ssim, psnr, ssim
from skimage import metrics as reference
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure


def skimage_ssim(first: Tensor, second: Tensor) -> float:
    similarity: Callable[..., float] = reference.structural_similarity
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    pair = (part.numpy().astype(np.float64) for part in (first, second))
    return float(similarity(*pair, channel_axis=0, **settings))


def test_ssim_equals_scikit_image_frame_by_frame(clips: Tensor, noisy: Tensor) -> None:
    expected = [np.mean([skimage_ssim(clips[b, t], noisy[b, t]) for t in range(2)]) for b in range(3)]
    assert ssim(clips, noisy).tolist() == pytest.approx(expected, abs=1e-12)
    assert max(expected) < 0.95


def test_ssim_equals_torchmetrics_where_windows_are_whole(clips: Tensor, noisy: Tensor) -> None:
    first, second = noisy.flatten(0, 1).double(), clips.flatten(0, 1).double()
    found = structural_similarity_index_measure(first, second, data_range=1.0, reduction="none", return_full_image=True)
    # torchmetrics also averages windows that it fills up by reflection at the border.
    expected = found[1][..., 5:-5, 5:-5].mean(dim=(1, 2, 3))
    torch.testing.assert_close(ssim(noisy, clips), expected.reshape(3, 2).mean(1), rtol=0, atol=1e-9)


def test_ssim_does_not_depend_on_the_chunk(clips: Tensor, noisy: Tensor) -> None:
    first, second = clips.flatten(0, 1), noisy.flatten(0, 1)
    torch.testing.assert_close(frame_ssim(first, second, chunk=4), frame_ssim(first, second, chunk=1))


def test_ssim_of_constant_pictures_by_hand() -> None:
    # Without variance only luminance remains: (2 a b + c) / (a^2 + b^2 + c) with c = 0.01^2.
    first, second = torch.full((1, 1, 3, 12, 12), 0.2), torch.full((1, 1, 3, 12, 12), 0.6)
    assert ssim(first, second).item() == pytest.approx((2 * 0.12 + 1e-4) / (0.4 + 1e-4), abs=1e-6)


def test_psnr_equals_scikit_image_frame_by_frame(clips: Tensor, noisy: Tensor) -> None:
    ratio: Callable[..., float] = reference.peak_signal_noise_ratio
    expected = [
        np.mean([ratio(clips[b, t].numpy(), noisy[b, t].numpy(), data_range=1.0) for t in range(2)]) for b in range(3)
    ]
    assert psnr(noisy, clips).tolist() == pytest.approx(expected, abs=1e-5)


def test_psnr_by_hand() -> None:
    # An error of 0.1 everywhere is 20 dB, of 1 is 0 dB; frames are averaged in decibels.
    target = torch.zeros(1, 2, 3, 4, 4)
    output = target.clone()
    output[:, 0] = 0.1
    output[:, 1] = 1.0
    assert psnr(output, target).tolist() == pytest.approx([10.0], abs=1e-5)


def test_perfect_copy_scores_the_best_value(clips: Tensor) -> None:
    assert psnr(clips, clips).tolist() == [PSNR_CAP] * 3
    assert ssim(clips, clips).tolist() == pytest.approx([1.0] * 3, abs=1e-12)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_one_sample_gives_one_float64(clips: Tensor, noisy: Tensor, metric: object) -> None:
    value = metric(noisy[:1, :1], clips[:1, :1])  # type: ignore[operator]
    assert (value.shape, value.dtype) == ((1,), torch.float64)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_pictures_in_255_are_refused_on_both_sides(clips: Tensor, metric: object) -> None:
    for pair in ((clips * 255, clips), (clips, clips * 255)):
        with pytest.raises(DataError, match="Divide by 255"):
            metric(*pair)  # type: ignore[operator]


def test_ssim_refuses_pictures_smaller_than_its_window(clips: Tensor) -> None:
    small = clips[..., :10]
    with pytest.raises(DataError, match="windows of 11x11 px, pictures are 40x10"):
        ssim(small, small)
