"""Debiased CKA between two sets of features: linear from streamed sums, with a jackknife interval and a null."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from foresight_harness.contracts.errors import GridError, UsageError
from foresight_harness.parts.metrics.guards import require_rows
from foresight_harness.parts.metrics.hsic import (
    LEAST_ROWS,
    CKAEstimate,
    exchanged,
    hsic_ratio,
    jackknife,
    unbiased_hsic,
)
from foresight_harness.parts.metrics.kernels import mutual_knn, rbf_cka
from foresight_harness.parts.metrics.products import CrossProducts, SelfProducts

__all__ = ["CKAEstimate", "LinearCKA", "linear_cka", "mutual_knn", "null_p_value", "permutation_null", "rbf_cka"]


class LinearCKA:
    """Debiased linear CKA of features that arrive in blocks; no n x n matrix is formed.

    The unbiased HSIC of linear kernels consists of sums over rows, once diagonal terms are written as sums of
    k_i = |x_i|^2 and m_i = |y_i|^2. Rows are spread over a few folds by group, each with sums of its own, so that
    leaving one out costs a subtraction. Products are float32 over at most ``block`` rows and float64 beyond: within
    1e-6 of the n x n form in float64. Memory: folds x (0.6 dx^2 + dx dy + 0.6 dy^2) x 8 bytes and a waiting block a
    fold; time and memory are in ``benchmarks/perf/README.md``.

    Source: debiasing as in Nguyen et al., arXiv 2010.15327; CKA of Kornblith et al., arXiv 1905.00414.
    """

    def __init__(self, width_x: int, width_y: int, *, folds: int = 10, block: int = 512) -> None:
        """Args:
        width_x: Width of x's rows.
        width_y: Width of y's rows.
        folds: Parts that the jackknife leaves out in turn; 1 is no interval and least memory.
        block: Rows multiplied at once in float32.
        """
        if min(width_x, width_y, folds, block) < 1:
            raise UsageError(f"LinearCKA({width_x}, {width_y}, folds={folds}, block={block}): all are at least 1")
        self.folds, self.block = folds, block
        self._widths = (width_x, width_y)
        self._waiting: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(folds)]
        self._offsets: tuple[Tensor, Tensor] | None = None
        self._rows = torch.zeros(folds, dtype=torch.float64)
        # For each fold the sums of x, x k, x m; of y, y m, y k; of k, m, k k, m m, k m.
        self._x = _zeros(3, folds, width_x)
        self._y = _zeros(3, folds, width_y)
        self._scalars = _zeros(5, folds)
        self._xx, self._yy = SelfProducts(folds, width_x), SelfProducts(folds, width_y)
        self._xy = CrossProducts(folds, width_x, width_y)

    @property
    def samples(self) -> int:
        """Rows seen so far."""
        return int(self._rows.sum()) + sum(len(x) for fold in self._waiting for x, _ in fold)

    def update(self, x: Tensor, y: Tensor, group: int | Sequence[int] | Tensor = 0) -> None:
        """Add rows.

        Args:
            x: [n, dx] float
            y: Features of the same samples. [n, dy] float
            group: Number of the source picture or video, of all rows or of each; rows of one group stay in one fold
                (``group % folds``), so number the groups 0, 1, 2 ...

        Raises:
            GridError: if shapes do not match or a value is not finite.
        """
        x, y = require_rows(x, y)
        if (x.shape[1], y.shape[1]) != self._widths:
            raise GridError(f"rows of widths {x.shape[1]} and {y.shape[1]} for a CKA built for {self._widths}")
        if self._offsets is None:
            # The estimator does not feel a shift, float32 does: features far from 0 would lose their digits.
            self._offsets = (_mean(x), _mean(y))
        for fold, rows in self._assign(group, len(x)):
            self._queue(_centred(x[rows], self._offsets[0]), _centred(y[rows], self._offsets[1]), fold)

    def value(self) -> float:
        """The estimate: 1 for equal features, about 0 for independent ones; NaN where either has no spread."""
        return float(self._leave_out(torch.ones(1, self.folds, dtype=torch.float64))[0])

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Jackknife interval over folds, NaN with fewer than three in use."""
        self._flush()
        used = (self._rows > 0).nonzero().squeeze(1)
        count, rows = len(used), self._rows[used]
        if count < 3 or float(rows.sum() - rows.max()) < LEAST_ROWS:
            return math.nan, math.nan
        keep = torch.ones(count + 1, self.folds, dtype=torch.float64)
        keep[torch.arange(1, count + 1), used] = 0
        values = self._leave_out(keep)
        return jackknife(float(values[0]), values[1:], rows, level)

    def estimate(self, level: float = 0.95) -> CKAEstimate:
        """Value, rows and interval in one."""
        return CKAEstimate(self.value(), self.samples, *self.interval(level))

    def _assign(self, group: int | Sequence[int] | Tensor, count: int) -> Iterator[tuple[int, Tensor]]:
        """Fold and places of the rows, at most a block at a time."""
        folds = torch.full((count,), group) if isinstance(group, int) else torch.as_tensor(group, device="cpu")
        if folds.shape != (count,):
            raise GridError(f"{count} rows have groups of shape {tuple(folds.shape)}")
        for fold in range(self.folds):
            rows = (folds % self.folds == fold).nonzero().squeeze(1)
            for start in range(0, len(rows), self.block):
                yield fold, rows[start : start + self.block]

    def _queue(self, x: Tensor, y: Tensor, fold: int) -> None:
        """Hold rows back until they fill a block: many small products would cost more than one large one."""
        waiting = self._waiting[fold]
        if sum(len(rows) for rows, _ in waiting) + len(x) > self.block:
            self._empty(fold)
        waiting.append((x, y))

    def _flush(self) -> None:
        for fold in range(self.folds):
            self._empty(fold)

    def _empty(self, fold: int) -> None:
        waiting = self._waiting[fold]
        if not waiting:
            return
        x, y = (torch.cat(parts) if len(parts) > 1 else parts[0] for parts in zip(*waiting, strict=True))
        waiting.clear()
        self._rows[fold] += len(x)
        self._xx.add(fold, x)
        self._xy.add(fold, x, y)
        self._yy.add(fold, y)
        k, sums_x = _norms(x)
        m, sums_y = _norms(y)
        self._x[:, fold] += torch.stack([sums_x, _weighted(x, k), _weighted(x, m)])
        self._y[:, fold] += torch.stack([sums_y, _weighted(y, m), _weighted(y, k)])
        self._scalars[:, fold] += torch.stack([k.sum(), m.sum(), k @ k, m @ m, k @ m])

    def _leave_out(self, keep: Tensor) -> Tensor:
        """CKA over the folds that each row keeps. [R, folds] of 0 and 1 -> [R] float64"""
        self._flush()
        n = keep @ self._rows
        if float(n.min()) < LEAST_ROWS:
            raise GridError(f"debiased CKA needs at least {LEAST_ROWS} rows, got {int(n.min())}")
        x, xk, xm = (keep @ part for part in self._x)
        y, ym, yk = (keep @ part for part in self._y)
        k, m, kk, mm, km = (keep @ part for part in self._scalars)
        kept = _Kept(n, keep)
        cross = kept.hsic(self._xy.gram(), self._xy.quadratic(x, y), (x, y), (k, m), (xm, yk), km)
        self_x = kept.hsic(self._xx.gram(), self._xx.quadratic(x), (x, x), (k, k), (xk, xk), kk)
        self_y = kept.hsic(self._yy.gram(), self._yy.quadratic(y), (y, y), (m, m), (ym, ym), mm)
        return hsic_ratio(cross, self_x, self_y)


def linear_cka(x: Tensor, y: Tensor, groups: Sequence[int] | Tensor | None = None, *, folds: int = 10) -> CKAEstimate:
    """Debiased linear CKA of features in memory, with a jackknife interval over groups of rows.

    Args:
        x: [n, dx] float
        y: [n, dy] float
        groups: Number of the source picture of each row; None is one group a row. [n]
        folds: Parts that the jackknife leaves out in turn.
    """
    x, y = require_rows(x, y, least=LEAST_ROWS)
    sums = LinearCKA(x.shape[1], y.shape[1], folds=folds)
    sums.update(x, y, torch.arange(len(x)) if groups is None else groups)
    return sums.estimate()


def permutation_null(
    x: Tensor, y: Tensor, permutations: int, generator: torch.Generator, *, rows_per_picture: int = 1
) -> Tensor:
    """Debiased linear CKA after pictures of one side are exchanged: what no relation at all would score.

    Both self-terms stay as they are, so a permutation costs one product of x and y.

    Args:
        x: [n, dx] float
        y: [n, dy] float
        permutations: Number of draws; the least p-value is 1 / (permutations + 1).
        generator: Source of the permutations.
        rows_per_picture: Consecutive rows (cells) of one picture; they move together and keep their order, so that what
            all pictures share at one place stays shared.

    Returns:
        Values of the null. [permutations] float64
    """
    x, y = require_rows(x, y, least=LEAST_ROWS)
    n = len(x)
    x, y = _centred(x, _mean(x)), _centred(y, _mean(y))
    if x.shape[1] < y.shape[1]:
        x, y = y, x
    (k, sums_x), (m, sums_y) = _norms(x), _norms(y)
    spread = _self_hsic(x, k, sums_x) * _self_hsic(y, m, sums_y)
    values = torch.empty(permutations, dtype=torch.float64)
    for draw in range(permutations):
        rows = exchanged(n, rows_per_picture, generator)
        moved, norms = y[rows], m[rows]
        product = x.T @ moved
        shared = sums_x @ product.double() @ sums_y
        shared = shared - sums_x @ _weighted(x, norms) - sums_y @ _weighted(moved, k) + k @ norms
        totals = (sums_x @ sums_x - k.sum()) * (sums_y @ sums_y - norms.sum())
        values[draw] = unbiased_hsic(n, product.double().square().sum() - k @ norms, totals, shared)
    return values / spread.sqrt() if float(spread) > 0 else torch.full_like(values, math.nan)


def null_p_value(value: float, null: Tensor) -> float:
    """Share of the null at or above ``value``, the value itself counted among them."""
    return (1 + int((null >= value).sum())) / (1 + len(null))


def _zeros(*shape: int) -> Tensor:
    return torch.zeros(*shape, dtype=torch.float64)


def _mean(rows: Tensor) -> Tensor:
    return rows.mean(0, dtype=torch.float64).float().cpu()


def _centred(rows: Tensor, offset: Tensor) -> Tensor:
    """Float32 rows less a float32 offset: equal rows become exact zeros. A copy, on the CPU."""
    return rows.float().cpu() - offset


def _norms(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Squared norm of each row, and the sum of rows. [n], [d], float64"""
    return rows.double().square().sum(1), rows.sum(0, dtype=torch.float64)


def _weighted(rows: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum of rows. [n, d], [n] -> [d] float64"""
    return weights @ rows.double()


@dataclass(frozen=True)
class _Kept:
    """Which folds each of several estimates keeps."""

    n: Tensor
    """Rows kept. [R]"""
    keep: Tensor
    """0 or 1. [R, folds]"""

    def hsic(
        self,
        gram: Tensor,
        quadratic: Tensor,
        sums: tuple[Tensor, Tensor],
        norms: tuple[Tensor, Tensor],
        weighted: tuple[Tensor, Tensor],
        diagonal: Tensor,
    ) -> Tensor:
        """Unbiased HSIC of linear kernels from sums over the kept rows.

        Args:
            gram: Inner products of the folds' product matrices. [folds, folds]
            quadratic: a' (a'b of a fold) b, with a and b the kept sums. [R, folds]
            sums: Sums of a and of b. [R, da], [R, db]
            norms: Sums of |a|^2 and of |b|^2. [R], [R]
            weighted: Sums of a |b|^2 and of b |a|^2. [R, da], [R, db]
            diagonal: Sum of |a|^2 |b|^2. [R]

        Returns:
            HSIC up to the factor that CKA cancels. [R]
        """
        (a, b), (k, m) = sums, norms
        squared = torch.einsum("rf,fg,rg->r", self.keep, gram, self.keep)
        shared = (self.keep * quadratic).sum(1) - (a * weighted[0]).sum(1) - (b * weighted[1]).sum(1) + diagonal
        totals = (a.square().sum(1) - k) * (b.square().sum(1) - m)
        return unbiased_hsic(self.n, squared - diagonal, totals, shared)


def _self_hsic(rows: Tensor, norms: Tensor, sums: Tensor) -> Tensor:
    """Unbiased HSIC of one side with itself."""
    product = (rows.T @ rows).double()
    shared = sums @ product @ sums - 2 * (sums @ _weighted(rows, norms)) + norms @ norms
    total = sums @ sums - norms.sum()
    return unbiased_hsic(len(rows), product.square().sum() - norms @ norms, total.square(), shared)
