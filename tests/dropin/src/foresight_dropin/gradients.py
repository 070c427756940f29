"""The encoder: energy of brightness gradients by orientation, pooled to tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from foresight_harness.grids import TokenGrid
from torch import Tensor
from torch.nn import functional as F

PATCH_PX = 14
ORIENTATIONS = 8

pictures_seen = 0
"""Pictures that went through ``encode`` in this process: what tests count."""
builds = 0
"""Encoders built in this process."""


class Gradients:
    """Histogram of oriented gradients and mean brightness, by patch."""

    def __init__(self, input_px: int) -> None:
        global builds
        builds += 1
        self.side = input_px // PATCH_PX * PATCH_PX

    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """[B, T, 3, H_px, W_px] -> [B, T, H, W, 9] a tap"""
        global pictures_seen
        batch, frames = clips.shape[:2]
        pictures_seen += batch
        grey = clips.flatten(0, 1).mean(1, keepdim=True)
        grey = F.interpolate(grey, (self.side, self.side), mode="bilinear", align_corners=False, antialias=True)
        down = F.pad(grey, (0, 0, 1, 1), mode="replicate")
        across = F.pad(grey, (1, 1, 0, 0), mode="replicate")
        rows, cols = down[:, :, 2:] - down[:, :, :-2], across[..., 2:] - across[..., :-2]
        angle = torch.atan2(rows, cols)
        centres = torch.arange(ORIENTATIONS) * (2 * torch.pi / ORIENTATIONS)
        energy = (rows.square() + cols.square()).sqrt() * F.relu(torch.cos(angle - centres[:, None, None]))
        pooled = F.avg_pool2d(torch.cat([energy, grey], dim=1), PATCH_PX).permute(0, 2, 3, 1)
        tokens = pooled.reshape(batch, frames, *pooled.shape[1:])
        found = {"pooled": tokens, "normed": F.layer_norm(tokens, tokens.shape[-1:])}
        return {tap: TokenGrid(found[tap]) for tap in taps}

    def facts(self) -> Mapping[str, Any]:
        """No weights."""
        return {"attention": "none", "dtype": "float32", "params": 0}
