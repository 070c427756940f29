"""Products of features summed by fold, and what CKA reads from them without forming a matrix a fold left out."""

from __future__ import annotations

import torch
from torch import Tensor

PANEL = 256
"""Columns a panel: at 1,536 columns the upper panels are 58 % of the square, in memory and in multiplications."""


class CrossProducts:
    """Sum of x'y for each fold. Multiplied in the rows' precision, summed in float64."""

    def __init__(self, folds: int, width_x: int, width_y: int) -> None:
        self._sums = torch.zeros(folds, width_x, width_y, dtype=torch.float64)

    def add(self, fold: int, x: Tensor, y: Tensor) -> None:
        """Add a block of rows. [n, dx], [n, dy]"""
        self._sums[fold] += x.T @ y

    def gram(self) -> Tensor:
        """Inner products of the folds' matrices. [folds, folds]"""
        return _gram(self._sums)

    def quadratic(self, a: Tensor, b: Tensor) -> Tensor:
        """a' (x'y) b for each row of a and b and each fold. [R, dx], [R, dy] -> [R, folds]"""
        return _quadratic(self._sums, a, b)


class SelfProducts:
    """Sum of x'x for each fold: symmetric, so only panels on and above the diagonal are kept."""

    def __init__(self, folds: int, width: int) -> None:
        self._panels = [
            torch.zeros(folds, min(PANEL, width - start), width - start, dtype=torch.float64)
            for start in range(0, width, PANEL)
        ]

    def add(self, fold: int, x: Tensor) -> None:
        """Add a block of rows. [n, d]"""
        for start, panel in zip(range(0, x.shape[1], PANEL), self._panels, strict=True):
            panel[fold] += x[:, start : start + PANEL].T @ x[:, start:]

    def gram(self) -> Tensor:
        """Inner products of the folds' whole matrices. [folds, folds]"""
        return torch.stack([2 * _gram(panel) - _gram(_square(panel)) for panel in self._panels]).sum(0)

    def quadratic(self, a: Tensor) -> Tensor:
        """a' (x'x) a for each row of a and each fold. [R, d] -> [R, folds]"""
        parts = []
        for start, panel in zip(range(0, a.shape[1], PANEL), self._panels, strict=True):
            left = a[:, start : start + PANEL]
            parts.append(2 * _quadratic(panel, left, a[:, start:]) - _quadratic(_square(panel), left, left))
        return torch.stack(parts).sum(0)


def _square(panel: Tensor) -> Tensor:
    """The part of a panel on the diagonal. [folds, p, d] -> [folds, p, p]"""
    return panel[:, :, : panel.shape[1]]


def _gram(matrices: Tensor) -> Tensor:
    flat = matrices.flatten(1)
    return flat @ flat.T


def _quadratic(matrices: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.stack([(a @ matrix * b).sum(1) for matrix in matrices], dim=1)
