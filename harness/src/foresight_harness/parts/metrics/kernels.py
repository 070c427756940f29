"""Alignment beyond straight lines: debiased CKA of Gaussian kernels, and shared nearest neighbours."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_harness.contracts.errors import UsageError
from foresight_harness.parts.metrics.guards import require_rows
from foresight_harness.parts.metrics.hsic import LEAST_ROWS, CKAEstimate, exchanged, hsic_ratio, jackknife


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
    return GaussianCKA(x, y).estimate()


class GaussianCKA:
    """Gaussian kernels of both sides, from which value, jackknife interval and permutation null are read.

    The bandwidth stays that of all rows where rows are left out. Memory: two n x n kernels in float64.
    """

    def __init__(self, x: Tensor, y: Tensor, *, rows_per_picture: int = 1) -> None:
        """Args:
        x: [n, dx] float
        y: [n, dy] float
        rows_per_picture: Consecutive rows of one picture: left out together, exchanged together.
        """
        x, y = require_rows(x, y, least=LEAST_ROWS)
        self._x, self._y, self._step = _gaussian(x), _gaussian(y), rows_per_picture

    def value(self) -> float:
        """The estimate; NaN where half of the distances are 0 or a side has no spread."""
        return _ratio(_u_centred(self._x), _u_centred(self._y))

    def estimate(self, folds: int = 0) -> CKAEstimate:
        """Value and rows, with a jackknife interval over that many folds of pictures where it is asked for."""
        value, n = self.value(), len(self._x)
        if folds == 0:
            return CKAEstimate(value, n)
        fold = (torch.arange(n) // self._step) % folds
        sizes = torch.bincount(fold)
        if len(sizes) < 3 or n - int(sizes.max()) < LEAST_ROWS:
            return CKAEstimate(value, n)
        without = []
        for left_out in range(len(sizes)):
            kept = (fold != left_out).nonzero().squeeze(1)
            parts = (kernel[kept][:, kept] for kernel in (self._x, self._y))
            without.append(_ratio(*(_u_centred(part) for part in parts)))
        return CKAEstimate(value, n, *jackknife(value, torch.tensor(without, dtype=torch.float64), sizes))

    def null(self, permutations: int, generator: torch.Generator) -> Tensor:
        """The value after pictures of y are exchanged. [permutations] float64"""
        x, y = _u_centred(self._x), _u_centred(self._y)
        values = []
        for _ in range(permutations):
            rows = exchanged(len(y), self._step, generator)
            values.append(_ratio(x, y[rows][:, rows]))
        return torch.tensor(values, dtype=torch.float64)


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
    near_x, near_y = _neighbours(x, y, k, block)
    return _shared(near_x, near_y)


def mutual_knn_null(
    x: Tensor, y: Tensor, k: int, permutations: int, generator: torch.Generator, *, rows_per_picture: int = 1
) -> Tensor:
    """Mean ``mutual_knn`` after pictures of one side are exchanged: cells of one picture still stand together.

    Args:
        x: [n, dx] float
        y: [n, dy] float
        k: Neighbours, fewer than n.
        permutations: Number of draws.
        generator: Source of the permutations.
        rows_per_picture: Consecutive rows of one picture; they move together and keep their order.

    Returns:
        Values of the null. [permutations] float64
    """
    near_x, near_y = _neighbours(x, y, k, 1024)
    values = torch.empty(permutations, dtype=torch.float64)
    for draw in range(permutations):
        rows = exchanged(len(near_y), rows_per_picture, generator)
        values[draw] = _shared(near_x, torch.argsort(rows)[near_y[rows]]).mean()
    return values


def _neighbours(x: Tensor, y: Tensor, k: int, block: int) -> tuple[Tensor, Tensor]:
    """Indices of each row's k nearest by cosine, in x and in y. [n, k], on the CPU"""
    x, y = require_rows(x, y, least=2)
    n = len(x)
    if not 1 <= k < n:
        raise UsageError(f"mutual_knn(k={k}) of {n} samples: k is at least 1 and below the number of samples")
    found = []
    for rows in (x, y):
        unit = F.normalize(rows.float(), dim=1)
        places = torch.split(torch.arange(n, device=unit.device), block)
        found.append(torch.cat([_nearest(unit, part, k) for part in places]).cpu())
    return found[0], found[1]


def _shared(near_x: Tensor, near_y: Tensor) -> Tensor:
    """Share of neighbours in common, row by row. [n] float64"""
    both = (near_x[:, :, None] == near_y[:, None, :]).sum(dim=(1, 2))
    return both.double() / near_x.shape[1]


def _nearest(features: Tensor, rows: Tensor, k: int) -> Tensor:
    similarity = features[rows] @ features.T
    similarity[torch.arange(len(rows), device=rows.device), rows] = -torch.inf  # not its own neighbour
    return similarity.topk(k, dim=1).indices


def _gaussian(features: Tensor) -> Tensor:
    """Gaussian kernel whose bandwidth is the median distance; its diagonal is 0. [n, n] float64"""
    rows = features.double().cpu()
    rows = rows - rows.mean(0)
    n = len(rows)
    norms = rows.square().sum(1)
    squared = (norms[:, None] + norms[None, :] - 2 * rows @ rows.T).clamp_min_(0)
    kernel = torch.exp(squared / (-2 * squared[~torch.eye(n, dtype=torch.bool)].median()))
    return kernel.fill_diagonal_(0)


def _u_centred(kernel: Tensor) -> Tensor:
    """U-centred kernel: inner products of two such are the unbiased HSIC up to a factor. [n, n] float64

    Source: U-centring of Székely and Rizzo, arXiv 1310.2926, which equals Song et al.'s estimator.
    """
    n, sums = len(kernel), kernel.sum(1)
    kernel = kernel - (sums[:, None] + sums[None, :]) / (n - 2) + sums.sum() / ((n - 1) * (n - 2))
    return kernel.fill_diagonal_(0)


def _ratio(x: Tensor, y: Tensor) -> float:
    """CKA of two U-centred kernels."""
    return float(hsic_ratio((x * y).sum(), x.square().sum(), y.square().sum()))
