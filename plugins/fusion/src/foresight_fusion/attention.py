"""Attention blocks, normed before each branch."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from foresight_fusion.presets import HEADS

SCORE_GAIN = 2.0


class Attention(nn.Module):
    """Multi-head attention of queries over a context."""

    def __init__(self, width: int, heads: int = HEADS) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        # Without bias: it would add the same to every score of a query, which softmax drops, so it could not learn.
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        # At torch's default, scores spread by 0.3 and every query reads the mean. On a 6x6 oracle, 80 steps of a
        # Q-Former then explain 0.16 of an object's place; at this gain 0.99.
        for scores in (self.query, self.key):
            nn.init.xavier_uniform_(scores.weight, gain=SCORE_GAIN)

    def forward(self, queries: Tensor, context: Tensor) -> Tensor:
        """[B, N, C] over [B, M, C] -> [B, N, C]"""
        read = F.scaled_dot_product_attention(
            self._split(self.query(queries)), self._split(self.key(context)), self._split(self.value(context))
        )
        merged: Tensor = self.output(read.transpose(1, 2).flatten(2))
        return merged

    def _split(self, tokens: Tensor) -> Tensor:
        batch, count, width = tokens.shape
        return tokens.reshape(batch, count, self.heads, width // self.heads).transpose(1, 2)


class FeedForward(nn.Sequential):
    """Two linear maps with a GELU between. [B, N, C] -> [B, N, C]"""

    def __init__(self, width: int, ratio: int = 4) -> None:
        super().__init__(nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, width))


class CrossAttentionBlock(nn.Module):
    """Queries read a context, then think about it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query_norm = nn.LayerNorm(width)
        self.attention = Attention(width)
        self.norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width)

    def forward(self, queries: Tensor, context: Tensor) -> Tensor:
        """[B, N, C] over [B, M, C] -> [B, N, C]"""
        queries = queries + self.attention(self.query_norm(queries), context)
        thought: Tensor = queries + self.feed_forward(self.norm(queries))
        return thought


class SelfAttentionBlock(nn.Module):
    """Tokens read each other, then think about it (unless told not to)."""

    def __init__(self, width: int, *, think: bool = True) -> None:
        super().__init__()
        self.token_norm = nn.LayerNorm(width)
        self.attention = Attention(width)
        self.norm = nn.LayerNorm(width) if think else None
        self.feed_forward = FeedForward(width) if think else None

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, N, C] -> [B, N, C]"""
        normed = self.token_norm(tokens)
        tokens = tokens + self.attention(normed, normed)
        if self.norm is None or self.feed_forward is None:
            return tokens
        thought: Tensor = tokens + self.feed_forward(self.norm(tokens))
        return thought
