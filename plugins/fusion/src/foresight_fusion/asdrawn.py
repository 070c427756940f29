"""The documents' two fusions as sketched, for the counts and for comparison."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from foresight_fusion.attention import Attention, CrossAttentionBlock
from foresight_fusion.presets import DRAWN_WIDTH, LAYERS, QUERIES
from foresight_fusion.streams import position_codes, require_streams, shares_of_streams

QFORMER_WIDTH = 1024
DUAL_STREAM_WIDTH = 64


class QFormerAsDrawn(nn.Module):
    """64 queries at width 1024 read a semantic stream and a placed spatial stream, in this order.

    *Source*: hybrid document, section 1.3. Its undefined ``pos_embed`` is our parameter-free position code.
    """

    def __init__(self, semantic: int, spatial: int) -> None:
        super().__init__()
        self.semantic = nn.Linear(semantic, QFORMER_WIDTH)
        self.spatial = nn.Linear(spatial, QFORMER_WIDTH)
        self.queries = nn.Parameter(torch.randn(QUERIES, QFORMER_WIDTH) * 0.02)
        self.layers = nn.ModuleList(CrossAttentionBlock(QFORMER_WIDTH) for _ in range(LAYERS))
        self.output = nn.Sequential(
            nn.Linear(QFORMER_WIDTH, QFORMER_WIDTH), nn.GELU(), nn.Linear(QFORMER_WIDTH, DRAWN_WIDTH)
        )

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H_i, W_i, C_i], semantic then spatial -> [B, T, 1, 64, 128]"""
        context, queries = self._start(grids)
        for layer in self.layers:
            queries = layer(queries, context)
        tokens: Tensor = self.output(queries)
        return tokens.reshape(*grids[0].shape[:2], 1, QUERIES, DRAWN_WIDTH)

    def stream_shares(self, grids: Sequence[Tensor]) -> Tensor:
        """What each query reads of each stream, mean over layers and heads; no query has a place.

        -> [B, T, 1, 64, 2]
        """
        context, queries = self._start(grids)
        readings = []
        for layer in self.layers:
            assert isinstance(layer, CrossAttentionBlock)
            readings.append(layer.attention.weights(layer.query_norm(queries), context))
            queries = layer(queries, context)
        return shares_of_streams(readings, grids, (1, QUERIES))

    def _start(self, grids: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Tokens of both streams, and the queries as they start. [B * T, M, 1024], [B * T, 64, 1024]"""
        require_streams("qformer_asdrawn", grids, 2)
        semantic, spatial = self.semantic(grids[0]), self.spatial(grids[1])
        rows, cols = spatial.shape[2:4]
        spatial = spatial + position_codes(rows, cols, QFORMER_WIDTH, spatial)
        context = torch.cat([each.flatten(0, 1).flatten(1, 2) for each in (semantic, spatial)], dim=1)
        return context, self.queries.expand(context.shape[0], -1, -1)


class DualStreamAsDrawn(nn.Module):
    """Attention at width 64 without positions or residual, spatial then semantic.

    *Source*: pre-merge document, section 2.4. Its forward pass is not drawn: the spatial stream asks.
    """

    def __init__(self, spatial: int, semantic: int) -> None:
        super().__init__()
        self.spatial = nn.Sequential(nn.Linear(spatial, 512), nn.GELU(), nn.Linear(512, DUAL_STREAM_WIDTH))
        self.semantic = nn.Sequential(nn.Linear(semantic, 1024), nn.GELU(), nn.Linear(1024, DUAL_STREAM_WIDTH))
        self.attention = Attention(DUAL_STREAM_WIDTH)
        self.output = nn.Linear(DUAL_STREAM_WIDTH, DRAWN_WIDTH)

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H_i, W_i, C_i], spatial then semantic -> [B, T, H_1, W_1, 128]"""
        require_streams("dual_stream_asdrawn", grids, 2)
        spatial, semantic = (
            project(grid).flatten(0, 1).flatten(1, 2)
            for project, grid in zip((self.spatial, self.semantic), grids, strict=True)
        )
        fused: Tensor = self.output(self.attention(spatial, semantic))
        return fused.reshape(*grids[0].shape[:4], DRAWN_WIDTH)
