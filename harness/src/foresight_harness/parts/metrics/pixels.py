"""Pixel fidelity of clips: PSNR and SSIM, one value per sample."""

from __future__ import annotations

import torch
from torch import Tensor

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.guards import require_pair

PSNR_CAP = 100.0
"""Decibels of a perfect copy: infinity has no mean. Float32 rounding alone is above it."""

SIGMA = 1.5
RADIUS = 5
K1, K2 = 0.01, 0.03


def psnr(output: Tensor, target: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in decibels, mean over the frames of a sample, peak 1.

    Args:
        output: [B, T, 3, H_px, W_px] in [0, 1]
        target: [B, T, 3, H_px, W_px] in [0, 1]

    Returns:
        Values in [0, 100]; a perfect copy is ``PSNR_CAP``. [B] float64
    """
    output, target = require_pair(output, target)
    error = (output - target).square().mean(dim=(2, 3, 4), dtype=torch.float64)
    return (-10 * torch.log10(error)).clamp(max=PSNR_CAP, min=0.0).mean(dim=1)


def ssim(output: Tensor, target: Tensor) -> Tensor:
    """Structural similarity, mean over the frames of a sample. See ``frame_ssim``. [B] float64"""
    output, target = require_pair(output, target)
    return frame_ssim(output.flatten(0, 1), target.flatten(0, 1)).reshape(output.shape[:2]).mean(dim=1)


def frame_ssim(first: Tensor, second: Tensor, *, chunk: int = 4) -> Tensor:
    """Structural similarity of pictures: Gaussian window of 11 px (sigma 1.5), mean over channels and whole windows.

    Args:
        first: Checked pixels in [0, 1]. [N, 3, H_px, W_px] float32
        second: [N, 3, H_px, W_px] float32
        chunk: Pictures worked on at once, which bounds memory.

    Returns:
        Values in [-1, 1]; 1 for equal pictures. [N] float64

    Raises:
        DataError: if a side is shorter than the window.

    Source: Wang et al. 2004, doi 10.1109/TIP.2003.819861; equals scikit-image's ``structural_similarity`` with
        ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1``. torchmetrics also averages
        windows filled up by reflection at the border, and differs in the second digit on small pictures.
    """
    window = 2 * RADIUS + 1
    if min(first.shape[-2:]) < window:
        rows, cols = first.shape[-2:]
        raise DataError(f"SSIM reads windows of {window}x{window} px, pictures are {rows}x{cols}; decode larger ones")
    parts = [
        _ssim(first[start : start + chunk].double(), second[start : start + chunk].double())
        for start in range(0, len(first), chunk)
    ]
    return torch.cat(parts)


def _ssim(first: Tensor, second: Tensor) -> Tensor:
    moments = torch.stack([first, second, first * first, second * second, first * second], dim=1)
    mean_a, mean_b, square_a, square_b, product = _smooth(moments).unbind(dim=1)
    variance_a, variance_b = square_a - mean_a * mean_a, square_b - mean_b * mean_b
    covariance = product - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + K1**2) / (mean_a * mean_a + mean_b * mean_b + K1**2)
    structure = (2 * covariance + K2**2) / (variance_a + variance_b + K2**2)
    return (luminance * structure).mean(dim=(1, 2, 3))


def _smooth(maps: Tensor) -> Tensor:
    """Gaussian mean over whole windows, columns then rows. [..., H, W] -> [..., H - 10, W - 10]

    Banded matrices: the same sums as a convolution, which is 20 times slower in float64 on CPU.
    """
    return _band(maps.shape[-2], maps).T @ (maps @ _band(maps.shape[-1], maps))


def _band(side: int, like: Tensor) -> Tensor:
    """Window weights of every whole window, one window a column. [side, side - 10]"""
    offsets = torch.arange(-RADIUS, RADIUS + 1, dtype=like.dtype, device=like.device)
    kernel = torch.exp(-0.5 * (offsets / SIGMA) ** 2)
    places = torch.arange(side - 2 * RADIUS, device=like.device)
    band = like.new_zeros(side, side - 2 * RADIUS)
    for step, weight in enumerate(kernel / kernel.sum()):
        band[places + step, places] = weight
    return band
