"""Steadiness over time: what changes from frame to frame beyond the motion."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.guards import require_clips
from foresight_harness.parts.metrics.pixels import frame_ssim


def frame_consistency(clips: Tensor) -> Tensor:
    """Mean SSIM of consecutive frames. Motion lowers it too, so read it beside the target's own value.

    Args:
        clips: [B, T, 3, H_px, W_px] in [0, 1]

    Returns:
        Values in [-1, 1], 1 for a still; NaN for single frames. [B] float64
    """
    clips = require_clips(clips, "clips")
    batch, frames = clips.shape[:2]
    if frames < 2:
        return torch.full((batch,), math.nan, dtype=torch.float64)
    values = frame_ssim(clips[:, :-1].flatten(0, 1), clips[:, 1:].flatten(0, 1))
    return values.reshape(batch, frames - 1).mean(dim=1)


def temporal_variance(per_frame: Tensor) -> Tensor:
    """Variance over the frames of a sample of a per-frame value: flicker of the error, not its size.

    For temporal LPIPS variance give it ``PerceptualDistance.per_frame``.

    Args:
        per_frame: [B, T] float

    Returns:
        Unbiased variance (T - 1); NaN for single frames. [B] float64
    """
    if per_frame.ndim != 2:
        raise DataError(f"values per frame are [B, T], got shape {tuple(per_frame.shape)}")
    if not torch.isfinite(per_frame).all():
        raise DataError(f"{int((~torch.isfinite(per_frame)).sum())} of {per_frame.numel()} frame values are not finite")
    if per_frame.shape[1] < 2:
        return torch.full((per_frame.shape[0],), math.nan, dtype=torch.float64)
    return per_frame.detach().double().var(dim=1)
