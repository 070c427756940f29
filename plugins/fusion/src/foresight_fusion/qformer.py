"""A fixed number of learned queries ask all streams."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from foresight_fusion.anchors import anchors, raster
from foresight_fusion.attention import NearAttentionBlock, Placed, SelfAttentionBlock
from foresight_fusion.presets import LAYERS, QUERIES
from foresight_fusion.streams import StreamContext, query_start, shares_of_streams


class QFormerLayer(nn.Module):
    """Queries read each other, then the context, then think about it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.among = SelfAttentionBlock(width, think=False)
        self.across = NearAttentionBlock(width)

    def forward(self, queries: Placed, context: Placed) -> Tensor:
        """N placed queries over M placed tokens -> [B, N, C]"""
        asked: Tensor = self.across(queries._replace(tokens=self.among(queries.tokens)), context)
        return asked

    def weights(self, queries: Placed, context: Placed) -> Tensor:
        """How much of each token the queries read. [B, N, M] float32"""
        return self.across.weights(queries._replace(tokens=self.among(queries.tokens)), context)


class QFormerFusion(nn.Module):
    """64 queries, four layers of asking each other and then the streams; a token set comes out.

    Queries start as the cells of an 8x8 grid: each knows its place (``anchors``) and first reads what lies there.

    *Source*: hybrid document, section 1.3; Q-Former of BLIP-2, arXiv 2301.12597. The sketch has no attention among
    queries, is 1024 wide and leaves with 128 channels; ours meets the budget with a bottleneck and leaves at its width.
    """

    anchors: Tensor
    """Where the queries look from, (x, y) in units of the picture: the harness's set reader asks for it. [64, 2]"""

    def __init__(self, widths: Sequence[int], inner: int) -> None:
        super().__init__()
        self.context = StreamContext("qformer", widths, inner)
        self.register_buffer("anchors", anchors(QUERIES), persistent=False)
        self.queries = nn.Parameter(query_start(QUERIES, inner))
        self.layers = nn.ModuleList(QFormerLayer(inner) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(inner)
        self.output = nn.Linear(inner, inner)

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H_i, W_i, C_i] each -> [B, T, 1, 64, inner]"""
        context, queries = self._start(grids)
        for layer in self.layers:
            queries = queries._replace(tokens=layer(queries, context))
        tokens: Tensor = self.output(self.norm(queries.tokens))
        return tokens.reshape(*grids[0].shape[:2], 1, QUERIES, -1)

    def stream_shares(self, grids: Sequence[Tensor]) -> Tensor:
        """What each query reads of each stream, mean over layers and heads. -> [B, T, 8, 8, streams]"""
        context, queries = self._start(grids)
        readings = []
        for layer in self.layers:
            assert isinstance(layer, QFormerLayer)
            readings.append(layer.weights(queries, context))
            queries = queries._replace(tokens=layer(queries, context))
        return shares_of_streams(readings, grids, raster(QUERIES))

    def _start(self, grids: Sequence[Tensor]) -> tuple[Placed, Placed]:
        """Streams as placed tokens, and the queries as they start."""
        context = self.context(grids)
        queries = self.queries.expand(context.tokens.shape[0], -1, -1)
        return context, Placed(queries, torch.zeros_like(self.queries[:1]), self.anchors)
