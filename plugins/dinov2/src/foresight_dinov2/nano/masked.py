"""A masked autoencoder around the real class: the encoder sees a part of the patches, a small decoder paints the rest.

Source: He et al., Masked Autoencoders Are Scalable Vision Learners (arXiv:2111.06377). Here patches are predicted in
normalised colours as they are, and three in five are hidden: built-in sets are plainer than photographs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_dinov2.positions import AMPLITUDE, smooth_positions
from foresight_dinov2.presets import PATCH_PX

HIDDEN_SHARE = 0.6
DECODER_BLOCKS = 1


class MaskedAutoencoder(nn.Module):
    """Encoder, and the decoder that is thrown away after training."""

    places: Tensor

    def __init__(self, encoder: nn.Module, width: int, heads: int, side: int) -> None:
        """``encoder`` is a ``Dinov2Model``; pictures have ``side`` x ``side`` patches."""
        super().__init__()
        self.encoder: Any = encoder
        self.project = nn.Linear(width, width)
        self.hidden = nn.Parameter(torch.zeros(width))
        self.register_buffer("places", smooth_positions(side, width) / AMPLITUDE, persistent=False)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
            for _ in range(DECODER_BLOCKS)
        )
        self.paint = nn.Linear(width, 3 * PATCH_PX**2)

    def forward(self, pixels: Tensor, order: Tensor) -> Tensor:
        """Mean squared error of hidden patches. -> []

        Args:
            pixels: Normalised. [B, 3, S, S]
            order: Patches of each picture in a random order: the first are seen, the rest hidden. [B, cells] int64
        """
        _, hidden = _parted(order)
        return F.mse_loss(self.painted(pixels, order), _at(patches_of(pixels), hidden))

    def painted(self, pixels: Tensor, order: Tensor) -> Tensor:
        """Hidden patches as the decoder paints them, from the others alone. [B, hidden, 3 * PATCH_PX * PATCH_PX]"""
        seen, hidden = _parted(order)
        states = self.encoder.embeddings(pixels)
        states = torch.cat([states[:, :1], _at(states[:, 1:], seen)], dim=1)
        for block in self.encoder.encoder.layer:
            states = block(states)
        known = self.project(self.encoder.layernorm(states)[:, 1:])
        blank = self.hidden.expand(*hidden.shape, -1)
        tokens = torch.cat([known, blank], dim=1) + self.places[order]
        for layer in self.blocks:
            tokens = layer(tokens)
        found: Tensor = self.paint(tokens[:, seen.shape[1] :])
        return found


def patches_of(pixels: Tensor) -> Tensor:
    """[B, 3, S, S] -> [B, cells, 3 * PATCH_PX * PATCH_PX]"""
    return F.unfold(pixels, PATCH_PX, stride=PATCH_PX).transpose(1, 2)


def random_order(generator: torch.Generator, batch: int, cells: int) -> Tensor:
    """Every picture's patches, shuffled. [batch, cells] int64"""
    return torch.rand(batch, cells, generator=generator).argsort(dim=1)


def _parted(order: Tensor) -> tuple[Tensor, Tensor]:
    """Patches that are seen, and hidden ones."""
    seen = order.shape[1] - round(HIDDEN_SHARE * order.shape[1])
    return order[:, :seen], order[:, seen:]


def _at(tokens: Tensor, places: Tensor) -> Tensor:
    """[B, N, C], [B, K] -> [B, K, C]"""
    return tokens.gather(1, places.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))
