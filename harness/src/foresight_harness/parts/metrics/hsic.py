"""What every debiased CKA shares: the unbiased HSIC, their ratio and the form of a result."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scipy.special import stdtrit
from torch import Tensor

from foresight_harness.contracts.devices import in_double
from foresight_harness.contracts.errors import GridError

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


def jackknife(whole: float, without: Tensor, rows: Tensor, level: float = 0.95) -> tuple[float, float]:
    """Delete-group jackknife interval (Student's t, groups - 1 degrees), NaN with fewer than three groups.

    Args:
        whole: The estimate from all rows.
        without: The estimate without each group. [G] float64
        rows: Rows of each group. [G]
        level: Coverage.

    Source: Busing, Meijer and van der Leeden 1999, doi 10.1023/A:1008800423698, for groups of unequal size.
    """
    count, rows = len(rows), in_double(rows)
    if count < 3 or float(rows.sum() - rows.max()) < LEAST_ROWS:
        return math.nan, math.nan
    ratio = rows.sum() / rows
    centre = count * whole - ((1 - 1 / ratio) * without).sum()
    pseudo = ratio * whole - (ratio - 1) * without
    variance = ((pseudo - centre).square() / (ratio - 1)).mean()
    reach = float(stdtrit(count - 1, 0.5 + level / 2)) * float(variance.sqrt())
    return max(whole - reach, -1.0), min(whole + reach, 1.0)


def exchanged(rows: int, rows_per_picture: int, generator: torch.Generator) -> Tensor:
    """Places of rows after whole pictures are exchanged; the rows of one picture keep their order. [rows]

    Raises:
        GridError: where the rows are not whole pictures.
    """
    if rows_per_picture < 1 or rows % rows_per_picture:
        raise GridError(f"{rows} rows are not whole pictures of {rows_per_picture} rows")
    pictures = torch.randperm(rows // rows_per_picture, generator=generator)
    return (pictures[:, None] * rows_per_picture + torch.arange(rows_per_picture)).flatten()
