"""Attention blocks, normed before each branch.

Before training, queries resample the picture: windows alone decide what they read, and queries do not read each other.
Otherwise every layer adds vectors that are nearly the same in every picture, and a mask's share of the variance falls
from 0.98 to 0.01.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_fusion.anchors import Windows
from foresight_fusion.presets import HEADS

SCORE_GAIN = 2.0
"""Of queries and keys that nothing else tells apart."""
WINDOWED_GAIN = 0.3
"""Of those in windows: scores spread by a tenth, so the mean of the cells in a window is read. At the gain above they
spread by 4, and one cell is read, picked by noise."""


class Placed(NamedTuple):
    """Tokens, and where they stand."""

    tokens: Tensor
    """[B, N, C]"""
    codes: Tensor
    """What keys are told of the place; values are not. [N, C]"""
    places: Tensor
    """(x, y) in units of the picture. [N, 2] float32"""


class Attention(nn.Module):
    """Multi-head attention of queries over a context.

    Args:
        width: Of queries and context.
        heads: How many.
        windowed: Whether heads start by reading near each query's place; the context is then ``Placed``.
    """

    def __init__(self, width: int, heads: int = HEADS, *, windowed: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        # Without bias: it would add the same to every score of a query, which softmax drops, so it could not learn.
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self.windows = Windows(heads) if windowed else None
        # Without windows and at torch's default, scores spread by 0.3 and every query reads the mean. On a 6x6 oracle,
        # 80 steps of a Q-Former then explain 0.16 of an object's place; at SCORE_GAIN 0.99.
        for scores in (self.query, self.key):
            nn.init.xavier_uniform_(scores.weight, gain=WINDOWED_GAIN if windowed else SCORE_GAIN)
        # At torch's default, what is read shrinks threefold on its way, and a mask drowns in the queries' own vectors.
        for carried in (self.value, self.output):
            nn.init.orthogonal_(carried.weight)
            nn.init.zeros_(carried.bias)

    def forward(self, queries: Tensor, context: Tensor) -> Tensor:
        """[B, N, C] over [B, M, C] -> [B, N, C]"""
        return self._merged(
            F.scaled_dot_product_attention(
                self._split(self.query(queries)), self._split(self.key(context)), self._split(self.value(context))
            )
        )

    def near(self, queries: Tensor, places: Tensor, context: Placed) -> Tensor:
        """Queries [B, N, C] at places (x, y) [N, 2] over M placed tokens -> [B, N, C]"""
        query, key = self._in_windows(queries, places, context)
        value = self._split(self.value(context.tokens))
        width = int(value.shape[-1])
        read = F.scaled_dot_product_attention(
            query,
            key,
            F.pad(value.float(), (0, key.shape[-1] - width)),  # equal widths take the fast kernels
            scale=width**-0.5,
        )
        return self._merged(read[..., :width].to(value.dtype))

    def weights(self, queries: Tensor, context: Tensor) -> Tensor:
        """How much of each token is read, mean over heads. [B, N, C] over [B, M, C] -> [B, N, M] float32"""
        query, key = self._split(self.query(queries)).float(), self._split(self.key(context)).float()
        return _weights(query, key, int(query.shape[-1]))

    def weights_near(self, queries: Tensor, places: Tensor, context: Placed) -> Tensor:
        """The same of ``near``: queries [B, N, C] at places [N, 2] over M placed tokens -> [B, N, M] float32"""
        query, key = self._in_windows(queries, places, context)
        return _weights(query, key, int(queries.shape[-1]) // self.heads)

    def _in_windows(self, queries: Tensor, places: Tensor, context: Placed) -> tuple[Tensor, Tensor]:
        """Queries and keys by head, with the three channels of the windows behind their own. [B, heads, N or M, c + 3]

        Single precision: in bfloat16 two neighbours of a fine grid have the same distance.
        """
        assert self.windows is not None
        asked, told = self.windows(places, context.places)
        query = self._split(self.query(queries))
        key = self._split(self.key(context.tokens + context.codes))
        scale = int(query.shape[-1]) ** 0.5
        return (
            torch.cat([query.float(), scale * asked.expand(query.shape[0], -1, -1, -1)], dim=-1),
            torch.cat([key.float(), told.expand(*key.shape[:2], -1, -1)], dim=-1),
        )

    def _split(self, tokens: Tensor) -> Tensor:
        batch, count, width = tokens.shape
        return tokens.reshape(batch, count, self.heads, width // self.heads).transpose(1, 2)

    def _merged(self, read: Tensor) -> Tensor:
        merged: Tensor = self.output(read.transpose(1, 2).flatten(2))
        return merged


def _weights(query: Tensor, key: Tensor, width: int) -> Tensor:
    """Softmax of the scores, mean over heads; ``width`` is that of a head. [B, heads, N or M, c] -> [B, N, M]"""
    weights: Tensor = (query @ key.transpose(-1, -2) * width**-0.5).softmax(-1).mean(1)
    return weights


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


class NearAttentionBlock(nn.Module):
    """Queries read a placed context, at the start near their own place, then think about it.

    Args:
        width: Of queries and context.
        keep: Whether what was read is added to the query or takes its stead, as in a Perceiver IO's decoder.
    """

    def __init__(self, width: int, *, keep: bool = True) -> None:
        super().__init__()
        self.keep = keep
        self.query_norm = nn.LayerNorm(width)
        self.attention = Attention(width, windowed=True)
        self.norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width)

    def forward(self, queries: Placed, context: Placed) -> Tensor:
        """N placed queries over M placed tokens -> [B, N, C]; codes decide what is read and are not passed on."""
        read = self.attention.near(self.query_norm(queries.tokens + queries.codes), queries.places, context)
        kept = queries.tokens + read if self.keep else read
        thought: Tensor = kept + self.feed_forward(self.norm(kept))
        return thought

    def weights(self, queries: Placed, context: Placed) -> Tensor:
        """How much of each token N placed queries read. [B, N, M] float32"""
        asking = self.query_norm(queries.tokens + queries.codes)
        return self.attention.weights_near(asking, queries.places, context)


class SelfAttentionBlock(nn.Module):
    """Tokens read each other, at the start not at all, then think about it (unless told not to)."""

    def __init__(self, width: int, *, think: bool = True) -> None:
        super().__init__()
        self.token_norm = nn.LayerNorm(width)
        self.attention = Attention(width)
        nn.init.zeros_(self.attention.output.weight)  # it learns from the first step on, the rest from the second
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
