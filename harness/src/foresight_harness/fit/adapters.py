"""Adapters: the small map from conditioning grid to a decoder's latents."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_harness.batches import GridBatches
from foresight_harness.grids import resample_tokens
from foresight_harness.linear import RidgeFit, RidgeSums
from foresight_harness.linear.ridge import ridge_dual


class Adapter(Protocol):
    """Conditioning on the latent grid -> latents."""

    params: int

    def __call__(self, grid: Tensor) -> Tensor:
        """[b, T', H', W', C] -> [b, T', H', W', channels]"""
        ...


def on_latent_grid(grid: Tensor, latent: tuple[int, int, int]) -> Tensor:
    """Bring a conditioning grid to the decoder's grid: rows and columns resampled, temporal slots by nearest.

    Args:
        grid: [b, T, H, W, C]
        latent: Latent frames, rows and columns.

    Returns:
        [b, T', H', W', C]
    """
    frames, rows, cols = latent
    if grid.shape[1] != frames:
        nearest = (torch.arange(frames, device=grid.device) * grid.shape[1] / frames).long()
        grid = grid[:, nearest]
    return resample_tokens(grid, (rows, cols))


class LinearAdapter:
    """A per-cell linear map, in closed form (experiment E1.2)."""

    def __init__(self, ridge: RidgeFit) -> None:
        self.ridge = ridge
        self.params = ridge.params

    def __call__(self, grid: Tensor) -> Tensor:
        """[b, T', H', W', C] -> [b, T', H', W', channels]"""
        return self.ridge.predict(grid)


def fit_linear(conditioning: GridBatches, latents: GridBatches) -> LinearAdapter:
    """Fit the per-cell linear map from conditioning to latents, streamed, deterministic.

    Fewer cells than features take the dual form with exact leave-one-out.

    Args:
        conditioning: Conditioning grids of the training split.
        latents: The decoder's latents of the same pictures.
    """
    target = latents.shape
    size = (target.frames, target.rows, target.cols)
    width = conditioning.shape.width
    few = len(conditioning) * target.cells < width
    sums = RidgeSums(width, target.width)
    rows_x, rows_y = [], []
    for grid, latent in zip(conditioning, latents, strict=True):
        x = on_latent_grid(grid, size).reshape(-1, width)
        y = latent.reshape(-1, target.width)
        if few:
            rows_x.append(x)
            rows_y.append(y)
        else:
            sums.update(x, y)
    ridge = ridge_dual(torch.cat(rows_x), torch.cat(rows_y)) if few else sums.solve()
    return LinearAdapter(ridge)


class ConvAdapter(nn.Module):
    """A small convolutional network from conditioning to latents, upsampling in steps of two.

    Args:
        width_in: Channels of the conditioning grid.
        channels: Channels of the latents.
        latent: Latent rows and columns.
        hidden: Width inside.
    """

    def __init__(self, width_in: int, channels: int, latent: tuple[int, int], hidden: int = 64) -> None:
        super().__init__()
        self.latent = latent
        self.norm = nn.LayerNorm(width_in)
        self.enter = nn.Linear(width_in, hidden)
        self.blocks = nn.Sequential(
            nn.Conv2d(hidden, hidden, 3, padding=1), nn.GELU(), nn.Conv2d(hidden, hidden, 3, padding=1), nn.GELU()
        )
        self.leave = nn.Conv2d(hidden, channels, 3, padding=1)
        self.params = sum(parameter.numel() for parameter in self.parameters())

    def forward(self, grid: Tensor) -> Tensor:
        """[b, T', H, W, C] -> [b, T', H', W', channels]"""
        batch, frames = grid.shape[:2]
        hidden = self.enter(self.norm(grid)).flatten(0, 1).permute(0, 3, 1, 2)
        hidden = F.interpolate(hidden, self.latent, mode="bilinear", align_corners=False)
        out: Tensor = self.leave(hidden + self.blocks(hidden)).permute(0, 2, 3, 1)
        return out.reshape(batch, frames, *out.shape[1:])
