"""Attention that samples a few learned places of a map, in plain torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class DeformableAttention(nn.Module):
    """Every query reads ``points`` places a head and level, at learned offsets from its reference point.

    *Source*: Deformable DETR, arXiv 2010.04159, section 4.1. The offsets' weights start small instead of at zero, so
    that every parameter has a gradient from the second step on. No custom kernel: heads are folded into the batch of
    one ``grid_sample`` a level.
    """

    def __init__(self, width: int, heads: int, points: int = 4, levels: int = 1) -> None:
        super().__init__()
        self.heads, self.points, self.levels = heads, points, levels
        self.offsets = nn.Linear(width, heads * levels * points * 2)
        self.weights = nn.Linear(width, heads * levels * points)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        nn.init.normal_(self.offsets.weight, std=0.02)
        nn.init.normal_(self.weights.weight, std=0.02)
        nn.init.zeros_(self.weights.bias)
        with torch.no_grad():
            self.offsets.bias.copy_(_ring(heads, levels, points))

    def forward(self, queries: Tensor, references: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """Read the maps.

        Args:
            queries: One a place to fill. [B, N, C]
            references: Where each query looks from, (x, y) in [0, 1]. [B, N, 2] or [1, N, 2] float32
            maps: One a level, finest first. [B, H_l, W_l, C]

        Returns:
            [B, N, C]
        """
        batch, count, width = queries.shape
        layout = (batch, count, self.heads, self.levels, self.points)
        offsets = self.offsets(queries).float().reshape(*layout, 2)
        weights = self.weights(queries).reshape(batch, count, self.heads, -1).softmax(-1).reshape(layout)
        read = queries.new_zeros(batch * self.heads, width // self.heads, count)
        for level, values in enumerate(maps):
            rows, cols = values.shape[1:3]
            step = torch.tensor([1.0 / cols, 1.0 / rows], device=queries.device)
            places = references[:, :, None, None] + offsets[:, :, :, level] * step
            sampled = self._sample(self.value(values), places)
            share = weights[:, :, :, level].transpose(1, 2).reshape(batch * self.heads, 1, count, self.points)
            read = read + (sampled * share).sum(-1)
        merged: Tensor = self.output(read.reshape(batch, width, count).transpose(1, 2))
        return merged

    def _sample(self, values: Tensor, places: Tensor) -> Tensor:
        """Bilinear samples, zero outside the map.

        Args:
            values: [B, H, W, C]
            places: (x, y), in [0, 1] inside the map. [B, N, heads, points, 2] float32

        Returns:
            [B * heads, C / heads, N, points]
        """
        batch, rows, cols, width = values.shape
        planes = values.permute(0, 3, 1, 2).reshape(batch * self.heads, width // self.heads, rows, cols)
        # Single precision: a place in bfloat16 is off by up to 1/512 of the picture, a third of a cell at 168 columns.
        grid = (2 * places - 1).transpose(1, 2).flatten(0, 1)
        sampled = F.grid_sample(planes.float(), grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        return sampled.to(values.dtype)


def _ring(heads: int, levels: int, points: int) -> Tensor:
    """Offsets at the start: one compass direction a head, a cell further with every point. [heads*levels*points*2]"""
    angles = torch.arange(heads, dtype=torch.float32) * (2 * math.pi / heads)
    directions = torch.stack([angles.cos(), angles.sin()], dim=-1)
    directions = directions / directions.abs().amax(-1, keepdim=True)
    distances = torch.arange(1, points + 1, dtype=torch.float32)
    ring = directions[:, None, None] * distances[None, None, :, None]
    return ring.expand(heads, levels, points, 2).reshape(-1)
