"""Pixels as a latent space: every cell holds its own pixels, so encoding and decoding lose nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from foresight_harness.contracts.errors import GridError
from foresight_harness.contracts.specs import LatentSpace


class PixelSpace:
    """Space to depth and back. Latents are centred to [-1, 1]."""

    def __init__(self, stride_px: int) -> None:
        self.latent_space = LatentSpace(channels=3 * stride_px**2, stride_px=stride_px)

    def encode(self, clips: Tensor) -> Tensor:
        """[B, T, 3, H_px, W_px] in [0, 1] -> [B, T, H, W, 3 * stride_px ** 2]

        Raises:
            GridError: if the picture's sides are no multiples of the stride.
        """
        batch, frames, _, height, width = clips.shape
        stride = self.latent_space.stride_px
        if height % stride or width % stride:
            raise GridError(f"pictures of {height}x{width} px do not divide into cells of {stride} px")
        cells = F.pixel_unshuffle(clips.flatten(0, 1) * 2 - 1, stride).permute(0, 2, 3, 1)
        return cells.reshape(batch, frames, height // stride, width // stride, -1)

    def decode(self, latents: Tensor) -> Tensor:
        """[B, T, H, W, 3 * stride_px ** 2] -> [B, T, 3, H_px, W_px] in [0, 1]"""
        batch, frames = latents.shape[:2]
        pictures = F.pixel_shuffle(latents.flatten(0, 1).permute(0, 3, 1, 2), self.latent_space.stride_px)
        return pictures.reshape(batch, frames, *pictures.shape[1:]).add(1).div(2).clamp(0, 1)

    def facts(self) -> Mapping[str, Any]:
        """No weights."""
        return {"dtype": "float32", "params": 0}
