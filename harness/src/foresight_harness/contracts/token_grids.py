"""Token grids: patch tokens where they belong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from foresight_harness.contracts.errors import GridError
from foresight_harness.contracts.specs.grid_shape import GridShape

MAX_ENLARGEMENT = 8
"""Resampling beyond this factor a side invents detail; it is nearly always a size given in pixels by mistake."""


@dataclass(frozen=True)
class TokenGrid:
    """Patch tokens on their grid, raster order, row 0 on top, prefix tokens gone. [B, T, H, W, C]"""

    tokens: Tensor

    def __post_init__(self) -> None:
        if self.tokens.ndim != 5:
            raise GridError(
                f"a token grid is [B, T, H, W, C], got shape {tuple(self.tokens.shape)}. "
                "Use TokenGrid.from_sequence for [B, N, C] tokens."
            )

    @classmethod
    def from_sequence(cls, sequence: Tensor, rows: int, cols: int, *, frames: int = 1, prefix: int = 0) -> TokenGrid:
        """Put a raster sequence on its grid.

        Args:
            sequence: Prefix tokens, then frames x rows x cols patch tokens. [B, prefix + T*H*W, C]
            rows: Rows of the grid, in tokens.
            cols: Columns of the grid, in tokens.
            frames: Temporal slots.
            prefix: Class and register tokens to drop from the front.

        Raises:
            GridError: if the count does not match; the message says by how much.
        """
        if sequence.ndim != 3:
            raise GridError(f"a token sequence is [B, N, C], got shape {tuple(sequence.shape)}")
        expected = prefix + frames * rows * cols
        found = sequence.shape[1]
        if found != expected:
            raise GridError(
                f"{found} tokens do not fill {frames}x{rows}x{cols} cells plus {prefix} prefix tokens ({expected}); "
                f"off by {found - expected:+d}. Were prefix tokens counted, or is the grid that of another picture?"
            )
        patches = sequence[:, prefix:]
        return cls(patches.reshape(sequence.shape[0], frames, rows, cols, sequence.shape[2]))

    @classmethod
    def from_feature_map(cls, feature_map: Tensor) -> TokenGrid:
        """From a feature map of single pictures. [B, C, H, W] -> [B, 1, H, W, C]"""
        if feature_map.ndim != 4:
            raise GridError(f"a feature map is [B, C, H, W], got shape {tuple(feature_map.shape)}")
        return cls(feature_map.permute(0, 2, 3, 1).unsqueeze(1))

    @property
    def shape(self) -> GridShape:
        """Shape of one sample."""
        _, frames, rows, cols, width = self.tokens.shape
        return GridShape(rows=rows, cols=cols, width=width, frames=frames)

    def __len__(self) -> int:
        return int(self.tokens.shape[0])


def resample_tokens(tokens: Tensor, size: tuple[int, int], *, mode: str = "bilinear") -> Tensor:
    """Resample rows and columns of a token grid, so that two grids can be used cell by cell.

    Enlarging interpolates between cell centres; shrinking averages (area), so that no cell is dropped.

    Args:
        tokens: [B, T, H, W, C] float
        size: Target rows and columns, in tokens (not pixels).
        mode: ``bilinear`` or ``nearest``, for enlarging.

    Returns:
        The input itself when the size already matches. [B, T, H', W', C]

    Raises:
        GridError: if ``tokens`` is not 5-D or ``size`` enlarges it more than ``MAX_ENLARGEMENT`` times a side.
    """
    if tokens.ndim != 5:
        raise GridError(f"a token grid is [B, T, H, W, C], got shape {tuple(tokens.shape)}")
    batch, frames, rows, cols, width = tokens.shape
    if (rows, cols) == size:
        return tokens
    if min(size) < 1:
        raise GridError(f"resampling {rows}x{cols} tokens to {size[0]}x{size[1]}: a grid has at least one cell")
    if size[0] > MAX_ENLARGEMENT * rows or size[1] > MAX_ENLARGEMENT * cols:
        raise GridError(
            f"resampling {rows}x{cols} tokens to {size[0]}x{size[1]} invents detail "
            f"(limit: {MAX_ENLARGEMENT}x a side). Is {size} given in pixels?"
        )
    # Channels stay last in memory: the kernels read them so, and their answer needs no copy on its way back.
    flat = tokens.reshape(batch * frames, rows, cols, width).permute(0, 3, 1, 2)
    if size[0] <= rows and size[1] <= cols:
        flat = F.adaptive_avg_pool2d(flat, size)
    elif mode == "bilinear":
        # torch 2.15 has no antialiased kernel for half precision on the CPU.
        exact = flat if flat.dtype == torch.float64 else flat.float()
        # Where no side shrinks there is nothing to filter: the plain kernel has the same weights at a quarter the cost.
        shrinks = size[0] < rows or size[1] < cols
        flat = F.interpolate(exact, size, mode="bilinear", align_corners=False, antialias=shrinks).to(flat.dtype)
    else:
        flat = F.interpolate(flat, size, mode=mode)
    return flat.permute(0, 2, 3, 1).reshape(batch, frames, *size, width)


def require_finite(tokens: Tensor, where: str) -> None:
    """Refuse NaN and infinite features. Raises: GridError naming ``where``."""
    # The sum of finite values is finite unless it overflows, and costs a twentieth of asking every value.
    if not math.isfinite(tokens.sum(dtype=torch.float32).item()) and not torch.isfinite(tokens).all():
        bad = int((~torch.isfinite(tokens)).sum())
        exact = tokens.dtype in (torch.float32, torch.float64)
        advice = "Look for a division by 0 or a logarithm of 0 in the model" if exact else "Try --dtype float32"
        raise GridError(f"{where}: {bad} of {tokens.numel()} feature values are not finite. {advice}.")
