"""What every debiased CKA shares: the unbiased HSIC, their ratio and the form of a result."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

LEAST_ROWS = 4
"""The unbiased estimator divides by n - 3."""


@dataclass(frozen=True)
class CKAEstimate:
    """A value with the number of rows behind it, without which it means nothing."""

    value: float
    """NaN where one side has no spread."""
    n: int
    """Rows (samples or cells) that it was computed on."""
    ci_low: float = math.nan
    ci_high: float = math.nan


def unbiased_hsic(n: Tensor | int, trace: Tensor, totals: Tensor, shared: Tensor) -> Tensor:
    """Unbiased HSIC from three sums over kernels whose diagonals are set to zero, times n (n - 3), which CKA cancels.

    Args:
        n: Rows.
        trace: tr(K M).
        totals: (1'K 1)(1'M 1).
        shared: 1'K M 1.

    Source: Song et al. 2012, "Feature selection via dependence maximization", JMLR 13, equation 5.
    """
    return trace + totals / ((n - 1) * (n - 2)) - 2 * shared / (n - 2)


def hsic_ratio(cross: Tensor, self_x: Tensor, self_y: Tensor) -> Tensor:
    """CKA from three HSICs; NaN where one side has no spread."""
    defined = (self_x > 0) & (self_y > 0)
    ratio = cross / (self_x.clamp_min(0).sqrt() * self_y.clamp_min(0).sqrt())
    # The three are inner products, so the ratio leaves [-1, 1] by rounding alone.
    return torch.where(defined, ratio.clamp(-1.0, 1.0), math.nan)
