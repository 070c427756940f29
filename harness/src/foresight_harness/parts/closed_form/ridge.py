"""Ridge regression in closed form, its strength chosen by cross-validation that costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from foresight_harness.contracts.errors import FitError
from foresight_harness.parts.closed_form.moments import Moments

LAMBDAS = tuple(10.0 ** (exponent / 2) for exponent in range(-14, 7))
"""21 strengths, half a decade apart, relative to the largest eigenvalue of the standardised features: from 1e-7, where
float32 products end, to 1e3, where the prediction is the mean."""

CONSTANT = 1e-6
"""A column whose spread is below this share of its size is constant: what varies is the rounding of float32."""

RANK = 1e-10
"""Directions below this share of the largest eigenvalue are rounding, and are left out where lambda is 0."""


class RidgeFit(NamedTuple):
    """A fitted linear map ``x @ weight + bias``."""

    weight: Tensor
    """[d, k] float32"""
    bias: Tensor
    """[k] float32"""
    lambda_: float
    """The chosen strength, relative to the largest eigenvalue of the standardised features."""
    r2: float
    """Share of the target variance explained on the rows that were fitted; NaN where the target is constant."""

    @property
    def params(self) -> int:
        """Fitted numbers."""
        return self.weight.numel() + self.bias.numel()

    def predict(self, x: Tensor) -> Tensor:
        """Apply the map. [..., d] -> [..., k] float32"""
        weight, bias = self.weight.to(x.device), self.bias.to(x.device)
        return x.to(weight.dtype) @ weight + bias


class RidgeSums:
    """Sufficient statistics of a ridge fit: rows stream through, memory is that of one [d, d] matrix.

    Args:
        width_in: Columns of the features.
        width_out: Columns of the targets.
    """

    def __init__(self, width_in: int, width_out: int) -> None:
        self._moments = Moments(width_in, width_out)

    def __len__(self) -> int:
        return self._moments.count

    def update(self, x: Tensor, y: Tensor) -> None:
        """Add rows: features [n, d] and targets [n, k]."""
        self._moments.update(x, y)

    def solve(self, lambdas: Sequence[float] = LAMBDAS) -> RidgeFit:
        """Fit with the strength that generalised cross-validation prefers.

        Features are standardised inside, so the scale of a channel does not matter; constant columns get weight 0. One
        eigendecomposition in float64 serves all strengths. One strength is chosen for all targets together, by their
        summed squared error.

        Args:
            lambdas: Strengths to choose from, relative to the largest eigenvalue; 0 is the pseudo-inverse.

        Raises:
            FitError: on fewer than two rows, values that are not finite, or a negative strength.

        Source: Golub, Heath, Wahba 1979, "Generalized cross-validation ... choosing a good ridge parameter".
        """
        _check(lambdas)
        xx, xy, yy = self._moments.covariances()
        mean_x, mean_y = self._moments.means()
        scale = _column_scale(xx.diagonal().clamp(min=0).sqrt(), mean_x)
        values, vectors = torch.linalg.eigh(xx * torch.outer(scale, scale))
        values = values.clamp(min=0)
        top = float(values[-1])
        projected = vectors.T @ (xy * scale[:, None])
        energy = projected.square().sum(1)
        total = float(yy.sum())
        count = self._moments.count

        def losses(strength: float) -> tuple[float, float]:
            gain = _inverse(values, strength * top, top)
            error = max(total - float((energy * gain * (2 - values * gain)).sum()), 0.0)
            freedom = 1 + float((values * gain).sum())
            return error, error / (1 - freedom / count) ** 2 if freedom < count else float("inf")

        strength = min(lambdas, key=lambda candidate: (losses(candidate)[1], -candidate))
        gain = _inverse(values, strength * top, top)
        weight = scale[:, None] * (vectors @ (gain[:, None] * projected))
        return _fit(weight, mean_x, mean_y, strength, losses(strength)[0], total)


class DualRidgeFit(NamedTuple):
    """A fitted linear map that is never written out: as many coefficients as there were rows, beside the rows."""

    rows: Tensor
    """Standardised features that were fitted. [n, d] float64"""
    coefficients: Tensor
    """[n, k] float64"""
    mean_x: Tensor
    scale: Tensor
    mean_y: Tensor
    lambda_: float
    """As of ``RidgeFit``."""

    def predict(self, x: Tensor) -> Tensor:
        """Apply the map. [m, d] -> [m, k] float32"""
        likeness = ((x.double() - self.mean_x) * self.scale) @ self.rows.T
        return (likeness @ self.coefficients + self.mean_y).float()


def ridge_dual(x: Tensor, y: Tensor, lambdas: Sequence[float] = LAMBDAS) -> RidgeFit:
    """Ridge for fewer samples than features: one [n, n] eigendecomposition and the exact leave-one-out error.

    Leave-one-out picks a safer strength than generalised cross-validation when samples are few. It is exact for the
    given standardisation, which is that of all rows.

    Args:
        x: Features. [n, d]
        y: Targets. [n, k]
        lambdas: Strengths to choose from, relative to the largest eigenvalue; 0 is the pseudo-inverse.

    Raises:
        FitError: on fewer than two rows, values that are not finite, or a negative strength.
    """
    found, error, total = _solved(x, y, lambdas)
    weight = found.scale[:, None] * (found.rows.T @ found.coefficients)
    return _fit(weight, found.mean_x, found.mean_y, found.lambda_, error, total)


def ridge_unwritten(x: Tensor, y: Tensor, lambdas: Sequence[float] = LAMBDAS) -> DualRidgeFit:
    """The same as ``ridge_dual``, for so many features and targets that a weight for each pair has no place."""
    return _solved(x, y, lambdas)[0]


def _solved(x: Tensor, y: Tensor, lambdas: Sequence[float]) -> tuple[DualRidgeFit, float, float]:
    """The fit, and the mean squared error and variance of its rows. Raises: FitError."""
    _check(lambdas)
    count = x.shape[0]
    if count < 2 or y.shape[0] != count:
        raise FitError(f"a ridge fit needs at least 2 rows and one target a row, got {count} and {y.shape[0]}")
    x, y = x.double(), y.double()
    if not (torch.isfinite(x).all() and torch.isfinite(y).all()):
        raise FitError(f"ridge of {count} rows: features or targets are not finite. Try --dtype float32.")
    mean_x, mean_y = x.mean(0), y.mean(0)
    scale = _column_scale(x.std(0, correction=0), mean_x)
    x, y = (x - mean_x) * scale, y - mean_y
    values, vectors = torch.linalg.eigh(x @ x.T / count)
    values = values.clamp(min=0)
    top = float(values[-1])
    projected = vectors.T @ y
    total = float(y.square().sum()) / count

    def losses(strength: float) -> tuple[float, float]:
        shrink = values * _inverse(values, strength * top, top)
        residual = y - vectors @ (shrink[:, None] * projected)
        leverage = 1 / count + vectors.square() @ shrink
        left_out = residual / (1 - leverage).clamp(min=1e-12)[:, None]
        return float(residual.square().sum()) / count, float(left_out.square().sum())

    strength = min(lambdas, key=lambda candidate: (losses(candidate)[1], -candidate))
    gain = _inverse(values, strength * top, top)
    coefficients = vectors @ (gain[:, None] * projected) / count
    return DualRidgeFit(x, coefficients, mean_x, scale, mean_y, strength), losses(strength)[0], total


def _check(lambdas: Sequence[float]) -> None:
    if not lambdas or min(lambdas) < 0:
        raise FitError(f"ridge strengths {tuple(lambdas)}: give at least one, none negative")


def _column_scale(spread: Tensor, mean: Tensor) -> Tensor:
    """1 over the spread of a column; 0 where it is constant. [d]"""
    alive = spread > CONSTANT * mean.abs()
    return torch.where(alive & (spread > 0), 1 / spread, torch.zeros_like(spread))


def _inverse(values: Tensor, strength: float, top: float) -> Tensor:
    """1 / (eigenvalue + strength); 0 for directions that carry nothing. [d]"""
    carries = values > RANK * top if strength == 0 else torch.full_like(values, top > 0, dtype=torch.bool)
    return torch.where(carries, 1 / (values + strength), torch.zeros_like(values))


def _fit(weight: Tensor, mean_x: Tensor, mean_y: Tensor, strength: float, error: float, total: float) -> RidgeFit:
    r2 = 1 - error / total if total > 0 else float("nan")
    return RidgeFit(weight.float(), (mean_y - mean_x @ weight).float(), strength, r2)
