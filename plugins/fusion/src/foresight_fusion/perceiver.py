"""Everything through a small array of latents, and back onto a grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from foresight_fusion.attention import CrossAttentionBlock, SelfAttentionBlock
from foresight_fusion.presets import LATENTS
from foresight_fusion.streams import StreamContext, position_codes

ROUNDS = 2


class PerceiverFusion(nn.Module):
    """128 latents read all streams twice; queries made of positions alone then read the latents, one a cell.

    The grid that comes out is that of the largest stream, so probes of place can read it. What a cell knows went
    through the latents: nothing bypasses them.

    *Source*: Perceiver, arXiv 2103.03206, for reading; Perceiver IO, arXiv 2107.14795, for decoding. The hybrid
    document's appendix C.3 reads its two streams in turn; ours are read together, so that their order has no effect.
    """

    def __init__(self, widths: Sequence[int], inner: int) -> None:
        super().__init__()
        self.context = StreamContext("perceiver", widths, inner)
        self.latents = nn.Parameter(torch.randn(LATENTS, inner) * 0.02)
        self.readers = nn.ModuleList(CrossAttentionBlock(inner) for _ in range(ROUNDS))
        self.thinkers = nn.ModuleList(SelfAttentionBlock(inner) for _ in range(ROUNDS))
        self.places = nn.Linear(inner, inner)
        self.latent_norm = nn.LayerNorm(inner)
        self.decoder = CrossAttentionBlock(inner)
        self.output_norm = nn.LayerNorm(inner)

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H_i, W_i, C_i] each -> [B, T, H, W, inner]"""
        context = self.context(grids)
        latents = self.latents.expand(context.shape[0], -1, -1)
        for reader, thinker in zip(self.readers, self.thinkers, strict=True):
            latents = thinker(reader(latents, context))
        batch, frames = grids[0].shape[:2]
        # The same rule as presets.decoded_grid: most cells, then more rows, whatever the order.
        rows, cols = max(((grid.shape[2], grid.shape[3]) for grid in grids), key=lambda size: (size[0] * size[1], size))
        codes = position_codes(rows, cols, int(context.shape[-1]), context)
        queries = self.places(codes).reshape(1, rows * cols, -1).expand(context.shape[0], -1, -1)
        decoded: Tensor = self.output_norm(self.decoder(queries, self.latent_norm(latents)))
        return decoded.reshape(batch, frames, rows, cols, -1)
