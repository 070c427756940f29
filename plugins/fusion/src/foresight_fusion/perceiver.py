"""Everything through a small array of latents, and back onto a grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from foresight_harness.grids import cell_centres
from torch import Tensor, nn

from foresight_fusion.anchors import anchors, raster
from foresight_fusion.attention import NearAttentionBlock, Placed, SelfAttentionBlock
from foresight_fusion.presets import LATENTS
from foresight_fusion.streams import StreamContext, position_codes, query_start, shares_of_streams

ROUNDS = 2


class PerceiverFusion(nn.Module):
    """128 placed latents read all streams twice; queries made of positions alone then read the latents, one a cell.

    The grid that comes out is that of the largest stream, so probes of place can read it. What a cell knows went
    through the latents: nothing bypasses them.

    *Source*: Perceiver, arXiv 2103.03206, for reading; Perceiver IO, arXiv 2107.14795, for decoding. The hybrid
    document's appendix C.3 reads its two streams in turn; ours are read together, so that their order has no effect.
    """

    anchors: Tensor
    """Where the latents look from, (x, y) in units of the picture. [128, 2]"""

    def __init__(self, widths: Sequence[int], inner: int) -> None:
        super().__init__()
        self.context = StreamContext("perceiver", widths, inner)
        self.register_buffer("anchors", anchors(LATENTS), persistent=False)
        self.latents = nn.Parameter(query_start(LATENTS, inner))
        self.readers = nn.ModuleList(NearAttentionBlock(inner) for _ in range(ROUNDS))
        self.thinkers = nn.ModuleList(SelfAttentionBlock(inner) for _ in range(ROUNDS))
        self.places = nn.Linear(inner, inner)
        self.latent_norm = nn.LayerNorm(inner)
        self.decoder = NearAttentionBlock(inner, keep=False)
        self.output_norm = nn.LayerNorm(inner)

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H_i, W_i, C_i] each -> [B, T, H, W, inner]"""
        context, start = self._start(grids)
        latents, none, count = start.tokens, start.codes, start.tokens.shape[0]
        for reader, thinker in zip(self.readers, self.thinkers, strict=True):
            latents = thinker(reader(Placed(latents, none, self.anchors), context))
        batch, frames = grids[0].shape[:2]
        # The same rule as presets.decoded_grid: most cells, then more rows, whatever the order.
        rows, cols = max(((grid.shape[2], grid.shape[3]) for grid in grids), key=lambda size: (size[0] * size[1], size))
        codes = position_codes(rows, cols, int(latents.shape[-1]), latents)
        queries = self.places(codes).reshape(1, rows * cols, -1).expand(count, -1, -1)
        centres = cell_centres(rows, cols, device=latents.device).flatten(0, 1)
        asking, known = Placed(queries, none, centres), Placed(self.latent_norm(latents), none, self.anchors)
        decoded: Tensor = self.output_norm(self.decoder(asking, known))
        return decoded.reshape(batch, frames, rows, cols, -1)

    def stream_shares(self, grids: Sequence[Tensor]) -> Tensor:
        """What each latent reads of each stream, mean over rounds and heads. -> [B, T, 8, 16, streams]"""
        context, latents = self._start(grids)
        readings = []
        for reader, thinker in zip(self.readers, self.thinkers, strict=True):
            assert isinstance(reader, NearAttentionBlock)
            readings.append(reader.weights(latents, context))
            latents = latents._replace(tokens=thinker(reader(latents, context)))
        return shares_of_streams(readings, grids, raster(LATENTS))

    def _start(self, grids: Sequence[Tensor]) -> tuple[Placed, Placed]:
        """Streams as placed tokens, and the latents as they start."""
        context = self.context(grids)
        latents = self.latents.expand(context.tokens.shape[0], -1, -1)
        return context, Placed(latents, torch.zeros_like(self.latents[:1]), self.anchors)
