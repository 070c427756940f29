"""Module C: a finer grid, learned as a correction of bilinear interpolation."""

from __future__ import annotations

import torch
from foresight_harness.grids import resample_tokens
from torch import Tensor, nn

from foresight_sem.presets import upsampling_width


def group_count(channels: int) -> int:
    """Groups of a group norm: the most that divide the channels, at most 32, of at least four channels each."""
    most = max(1, min(32, channels // 4))
    return next(count for count in range(most, 0, -1) if channels % count == 0)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a 1x1 projection (or nothing, where the widths agree)."""

    def __init__(self, width: int, output_width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(width, output_width, 3, padding=1),
            nn.GroupNorm(group_count(output_width), output_width),
            nn.GELU(),
            nn.Conv2d(output_width, output_width, 3, padding=1),
        )
        self.skip = nn.Identity() if width == output_width else nn.Conv2d(width, output_width, 1)

    def forward(self, feature_map: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C', H, W]"""
        refined: Tensor = self.skip(feature_map) + self.branch(feature_map)
        return refined


def shuffle_block(width: int, *, groups: int | None = None) -> nn.Sequential:
    """Twice the grid at a quarter of the channels. [B, C, H, W] -> [B, C/4, 2H, 2W]

    *Source*: pixel shuffle, arXiv 1609.05158.
    """
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1),
        nn.PixelShuffle(2),
        nn.GroupNorm(groups or group_count(width // 4), width // 4),
        nn.GELU(),
    )


class LearnedUpsampling(nn.Module):
    """Bilinear interpolation plus a learned residual; plain bilinear before training.

    *Source*: document section 2.1.3 and appendix A.3. Inner widths follow the input's, the output keeps the input's
    width (the sketch leaves with 128 channels), and the branch is a residual, so that what it adds can be measured.
    """

    def __init__(self, width: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        inner = upsampling_width(width)
        shuffles = factor.bit_length() - 1
        fine, refined = inner // 4**shuffles, inner // 2
        self.down = nn.Linear(width, inner)
        self.norm = nn.LayerNorm(inner)
        self.shuffle = nn.Sequential(*(shuffle_block(inner // 4**step) for step in range(shuffles)))
        self.refine = nn.Sequential(ResidualBlock(fine, refined), ResidualBlock(refined, refined))
        self.up = nn.Linear(refined, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, T, factor*H, factor*W, C]"""
        batch, frames, rows, cols, _ = grid.shape
        smooth = resample_tokens(grid, (self.factor * rows, self.factor * cols))
        planes = self.norm(self.down(grid)).flatten(0, 1).permute(0, 3, 1, 2)
        refined = self.refine(self.shuffle(planes)).permute(0, 2, 3, 1)
        residual = self.up(refined).unflatten(0, (batch, frames))
        return torch.add(smooth, residual)
