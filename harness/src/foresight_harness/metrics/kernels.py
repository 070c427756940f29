"""Alignment beyond straight lines: debiased CKA of Gaussian kernels, and shared nearest neighbours."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_harness.errors import UsageError
from foresight_harness.metrics.guards import require_rows
from foresight_harness.metrics.hsic import LEAST_ROWS, CKAEstimate, hsic_ratio


def rbf_cka(x: Tensor, y: Tensor, generator: torch.Generator, *, most: int = 2000) -> CKAEstimate:
    """Debiased CKA of Gaussian kernels whose bandwidth is each side's median distance.

    Args:
        x: [n, dx] float
        y: [n, dy] float
        generator: Draws the rows where there are more than ``most``.
        most: Rows at most, drawn without replacement: the kernels are n x n in float64 (32 MB each at 2,000).

    Returns:
        The value, NaN where half of the distances are 0 or a side has no spread, and the rows really used.

    Source: Kornblith et al., arXiv 1905.00414, bandwidth 1 median; unbiased as in Nguyen et al., arXiv 2010.15327.
    """
    x, y = require_rows(x, y, least=LEAST_ROWS)
    if most < LEAST_ROWS:
        raise UsageError(f"rbf_cka(most={most}): debiased CKA needs at least {LEAST_ROWS} rows")
    if len(x) > most:
        chosen = torch.randperm(len(x), generator=generator)[:most]
        x, y = x[chosen.to(x.device)], y[chosen.to(y.device)]
    kernel_x, kernel_y = _gaussian(x), _gaussian(y)
    value = hsic_ratio((kernel_x * kernel_y).sum(), kernel_x.square().sum(), kernel_y.square().sum())
    return CKAEstimate(float(value), len(x))


def mutual_knn(x: Tensor, y: Tensor, k: int, *, block: int = 1024) -> Tensor:
    """Share of each sample's k nearest neighbours in x that are also among its k nearest in y, by cosine.

    Chance is k / (n - 1), so report n and k beside it.

    Args:
        x: [n, dx] float
        y: [n, dy] float
        k: Neighbours, fewer than n.
        block: Rows compared with all at once, which bounds memory.

    Returns:
        Values in [0, 1]. [n] float64

    Source: Huh et al., arXiv 2405.07987.
    """
    x, y = require_rows(x, y, least=2)
    n = len(x)
    if not 1 <= k < n:
        raise UsageError(f"mutual_knn(k={k}) of {n} samples: k is at least 1 and below the number of samples")
    x, y = F.normalize(x.float(), dim=1), F.normalize(y.float(), dim=1)
    values = torch.empty(n, dtype=torch.float64)
    for start in range(0, n, block):
        rows = torch.arange(start, min(start + block, n), device=x.device)
        near_x, near_y = _nearest(x, rows, k), _nearest(y, rows.to(y.device), k).to(x.device)
        both = (near_x[:, :, None] == near_y[:, None, :]).sum(dim=(1, 2))
        values[rows.cpu()] = both.cpu().double() / k
    return values


def _nearest(features: Tensor, rows: Tensor, k: int) -> Tensor:
    similarity = features[rows] @ features.T
    similarity[torch.arange(len(rows), device=rows.device), rows] = -torch.inf  # not its own neighbour
    return similarity.topk(k, dim=1).indices


def _gaussian(features: Tensor) -> Tensor:
    """U-centred Gaussian kernel: inner products of two such are the unbiased HSIC up to a factor. [n, n] float64

    Source: U-centring of Székely and Rizzo, arXiv 1310.2926, which equals Song et al.'s estimator.
    """
    rows = features.double().cpu()
    rows = rows - rows.mean(0)
    n = len(rows)
    norms = rows.square().sum(1)
    squared = (norms[:, None] + norms[None, :] - 2 * rows @ rows.T).clamp_min_(0)
    kernel = torch.exp(squared / (-2 * squared[~torch.eye(n, dtype=torch.bool)].median()))
    kernel.fill_diagonal_(0)
    sums = kernel.sum(1)
    kernel = kernel - (sums[:, None] + sums[None, :]) / (n - 2) + sums.sum() / ((n - 1) * (n - 2))
    return kernel.fill_diagonal_(0)
