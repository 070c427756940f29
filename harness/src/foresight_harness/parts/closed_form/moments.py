"""Second moments of streamed rows, accurate enough to invert."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from foresight_harness.contracts.errors import FitError

BLOCK_ROWS = 4096
"""Rows of one float32 product. Blocks are summed in float64, so the error does not grow with the sample."""

STRIPS = 4
"""Column strips of the symmetric product: only the 10 of 16 tiles on and above the diagonal are computed."""


class Moments:
    """Count, means and centred second moments of ``x`` and ``y``, summed block by block.

    Everything is summed about a pilot (the first block's mean), because the products of uncentred float32 features lose
    their digits where a channel's mean is large against its spread, as in channels with massive activations.

    Args:
        width_in: Columns of ``x``.
        width_out: Columns of ``y``.
    """

    def __init__(self, width_in: int, width_out: int) -> None:
        self.count = 0
        self.width_in = width_in
        self.width_out = width_out
        self._pilot_x: Tensor | None = None
        self._pilot_y: Tensor | None = None
        self._sum_x = torch.zeros(width_in, dtype=torch.float64)
        self._sum_y = torch.zeros(width_out, dtype=torch.float64)
        self._xx = torch.zeros(width_in, width_in, dtype=torch.float64)
        self._xy = torch.zeros(width_in, width_out, dtype=torch.float64)
        self._yy = torch.zeros(width_out, dtype=torch.float64)

    def update(self, x: Tensor, y: Tensor) -> None:
        """Add rows.

        Args:
            x: Features; float64 rows are multiplied in float64, all others in float32. [n, d]
            y: Targets. [n, k]

        Raises:
            FitError: if the widths or the row counts differ from what was announced.
        """
        if x.ndim != 2 or y.ndim != 2 or x.shape[1] != self.width_in or y.shape[1] != self.width_out:
            raise FitError(
                f"ridge sums of width {self.width_in} -> {self.width_out} were given rows of shapes {tuple(x.shape)} "
                f"and {tuple(y.shape)}: pass [n, {self.width_in}] and [n, {self.width_out}]"
            )
        if x.shape[0] != y.shape[0]:
            raise FitError(f"{x.shape[0]} feature rows for {y.shape[0]} target rows: pass one target a row")
        dtype = torch.float64 if torch.float64 in (x.dtype, y.dtype) else torch.float32
        for start in range(0, x.shape[0], BLOCK_ROWS):
            self._add(x[start : start + BLOCK_ROWS].to(dtype), y[start : start + BLOCK_ROWS].to(x.device, dtype))

    def _add(self, x: Tensor, y: Tensor) -> None:
        if self._pilot_x is None or self._pilot_y is None:
            self._pilot_x = x.mean(0, dtype=torch.float64).to(x.dtype)
            self._pilot_y = y.mean(0, dtype=torch.float64).to(y.dtype)
        x = x - self._pilot_x.to(x)
        y = y - self._pilot_y.to(y)
        self.count += x.shape[0]
        self._sum_x += x.sum(0).cpu()
        self._sum_y += y.sum(0).cpu()
        self._xy += (x.T @ y).cpu()
        self._yy += y.square().sum(0).cpu()
        edges = [self.width_in * part // STRIPS for part in range(STRIPS + 1)]
        for low, high in pairwise(edges):
            self._xx[low:high, low:] += (x[:, low:high].T @ x[:, low:]).cpu()

    def means(self) -> tuple[Tensor, Tensor]:
        """Means of x [d] and y [k]. float64"""
        if self._pilot_x is None or self._pilot_y is None:
            raise FitError("ridge sums hold no rows: call update before solve")
        mean_x = self._pilot_x.double().cpu() + self._sum_x / self.count
        mean_y = self._pilot_y.double().cpu() + self._sum_y / self.count
        return mean_x, mean_y

    def covariances(self) -> tuple[Tensor, Tensor, Tensor]:
        """Centred moments over n: of x with x [d, d], of x with y [d, k], and the variance of y [k]. float64

        Raises:
            FitError: if there are fewer than two rows or a value is not finite.
        """
        if self.count < 2:
            raise FitError(f"a ridge fit needs at least 2 rows, got {self.count}")
        shift_x, shift_y = self._sum_x / self.count, self._sum_y / self.count
        upper = self._xx.triu()
        xx = (upper + upper.triu(1).T) / self.count - torch.outer(shift_x, shift_x)
        xy = self._xy / self.count - torch.outer(shift_x, shift_y)
        yy = self._yy / self.count - shift_y.square()
        for name, value in (("features", xx), ("targets", yy), ("products", xy)):
            if not torch.isfinite(value).all():
                raise FitError(f"ridge sums of {self.count} rows: the {name} are not finite. Try --dtype float32.")
        return xx, xy, yy.clamp(min=0)
