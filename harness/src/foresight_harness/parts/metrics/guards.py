"""What metrics refuse: a wrong range, shape or value scores silently and wrongly, so it is an error in one line."""

from __future__ import annotations

import torch
from torch import Tensor

from foresight_harness.contracts.errors import DataError, GridError

TOLERANCE = 1e-4
"""Resampling overshoots [0, 1] by rounding, not by more than this."""


def require_clips(clips: Tensor, what: str) -> Tensor:
    """Clips as metrics read them.

    Args:
        clips: Pixels in [0, 1]. [B, T, 3, H_px, W_px] float
        what: Name of the argument, for the message.

    Returns:
        The same pixels, detached. [B, T, 3, H_px, W_px] float32

    Raises:
        DataError: if shape, type or range is another; the message guesses the slip.
    """
    if clips.ndim != 5 or clips.shape[2] != 3:
        hint = " Is the frame axis missing? unsqueeze(1)." if clips.ndim == 4 else ""
        raise DataError(f"{what}: clips are [B, T, 3, H_px, W_px], got shape {tuple(clips.shape)}.{hint}")
    if clips.numel() == 0:
        raise DataError(f"{what}: no pixels to compare, shape {tuple(clips.shape)}")
    if not clips.is_floating_point():
        raise DataError(f"{what}: pixels are floats in [0, 1], got {clips.dtype}. Divide by 255?")
    low, high = (float(value) for value in clips.detach().aminmax())
    if not (torch.isfinite(torch.tensor((low, high))).all()):
        bad = int((~torch.isfinite(clips)).sum())
        raise DataError(f"{what}: {bad} of {clips.numel()} pixel values are not finite")
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        hint = "Divide by 255?" if high > 2 else "Map [-1, 1] by (x + 1) / 2?" if low < -0.05 else "Clamp the decoder?"
        raise DataError(f"{what}: pixels lie in [{low:.4g}, {high:.4g}], metrics read [0, 1]. {hint}")
    return clips.detach().to(torch.float32)


def require_pair(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Two clips that can be compared pixel by pixel. Raises: DataError naming both shapes."""
    if output.shape != target.shape:
        raise DataError(
            f"output {tuple(output.shape)} and target {tuple(target.shape)} differ in shape; "
            "resample one of them explicitly"
        )
    return require_clips(output, "output"), require_clips(target, "target")


def require_features(features: Tensor, what: str, *, least: int = 1) -> Tensor:
    """Features as rows, one row a sample.

    Args:
        features: [n, d] float
        what: Name of the argument, for the message.
        least: Fewest rows that define the metric.

    Raises:
        GridError: if shape or number of rows is another, or a value is not finite.
    """
    if features.ndim != 2 or features.shape[1] == 0:
        raise GridError(f"{what}: features are rows [n, d], got shape {tuple(features.shape)}. Flatten the grid first?")
    if features.shape[0] < least:
        raise GridError(f"{what}: {features.shape[0]} rows, but this metric needs at least {least}")
    if not features.is_floating_point():
        raise GridError(f"{what}: features are floats, got {features.dtype}")
    # A sum is finite only where every value is; it reads the rows once and makes no mask of their size.
    if not torch.isfinite(features.sum(dtype=torch.float64)):
        bad = int((~torch.isfinite(features)).sum())
        raise GridError(f"{what}: {bad} of {features.numel()} feature values are not finite")
    return features.detach()


def require_rows(x: Tensor, y: Tensor, *, least: int = 1) -> tuple[Tensor, Tensor]:
    """Two sets of features of the same samples. Raises: GridError if the rows do not match."""
    x, y = require_features(x, "x", least=least), require_features(y, "y", least=least)
    if x.shape[0] != y.shape[0]:
        raise GridError(f"x has {x.shape[0]} rows and y {y.shape[0]}: rows must be the same samples in the same order")
    return x, y
