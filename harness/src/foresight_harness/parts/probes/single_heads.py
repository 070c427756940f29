"""Readouts that answer with one box."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from foresight_harness.contracts.specs.grid_shape import GridShape
from foresight_harness.parts.grid_modules.positions import cell_centres, fourier_encoding

INNER = 64
CONVOLVED = 32
"""Channels of the convolutions; 64 cost four times as much and read no better."""
GROUPS = 4
"""Of the group norms; without them the fit collapsed on random convolution features."""
HEADS = 4
BANDS = INNER // 4
CYCLES = (0.5, 8.0)
SPREADS = 4.0
"""Sides of a square in standard deviations of its places, roughly: brings the spread to the scale of a size."""
WHOLE = 2.2
"""Logit of a box that spans 90 % of the picture: all heads start there, far from any answer."""


class SoftArgmax(nn.Module):
    """Centre as the expected place under a softmax over tokens; size from the spread of that softmax and its features.

    Every token is scored alone, by one linear map.
    """

    def __init__(self, shape: GridShape) -> None:
        super().__init__()
        self.score = nn.Linear(shape.width, 1)
        self.size = nn.Linear(shape.width + 2, 2)
        nn.init.zeros_(self.size.weight)
        nn.init.constant_(self.size.bias, WHOLE)
        self.register_buffer("places", cell_centres(shape.rows, shape.cols).flatten(0, 1), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """[b, H, W, C] -> cxcywh [b, 4]"""
        flat = tokens.flatten(1, 2)
        places = cast(Tensor, self.places)
        attention = self.score(flat).softmax(1)
        centre = (attention * places).sum(1)
        spread = (attention * (places - centre[:, None]).square()).sum(1).clamp(min=1e-6).sqrt()
        seen = torch.cat([SPREADS * spread, (attention * flat).sum(1)], dim=-1)
        return torch.cat([centre, self.size(seen).sigmoid()], dim=-1)


class Convolution(nn.Module):
    """Two 3x3 convolutions before the soft-argmax, so that a token is scored together with its neighbours.

    A linear map from all places to the box, the usual readout, learned 512 training pictures by heart.
    """

    def __init__(self, shape: GridShape) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(shape.width, CONVOLVED, 1),
            nn.GroupNorm(GROUPS, CONVOLVED),
            nn.GELU(),
            nn.Conv2d(CONVOLVED, CONVOLVED, 3, padding=1),
            nn.GroupNorm(GROUPS, CONVOLVED),
            nn.GELU(),
            nn.Conv2d(CONVOLVED, CONVOLVED, 3, padding=1),
            nn.GroupNorm(GROUPS, CONVOLVED),
            nn.GELU(),
        )
        self.read = SoftArgmax(GridShape(rows=shape.rows, cols=shape.cols, width=CONVOLVED))

    def forward(self, tokens: Tensor) -> Tensor:
        """[b, H, W, C] -> cxcywh [b, 4]"""
        seen = self.features(tokens.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return cast(Tensor, self.read(seen))


class Attentive(nn.Module):
    """Learned queries attend to tokens that carry their places; a small MLP reads the box."""

    def __init__(self, shape: GridShape, queries: int = 4) -> None:
        super().__init__()
        self.enter = nn.Linear(shape.width, INNER)
        self.norm = nn.LayerNorm(INNER)
        self.queries = nn.Parameter(torch.randn(queries, INNER) * 0.5)
        self.attention = nn.MultiheadAttention(INNER, HEADS, batch_first=True)
        self.read = nn.Sequential(nn.Linear(queries * INNER, 2 * INNER), nn.GELU(), box_layer(2 * INNER))
        places = fourier_encoding(shape.rows, shape.cols, bands=BANDS, cycles=CYCLES)
        self.register_buffer("places", places.flatten(0, 1), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """[b, H, W, C] -> cxcywh [b, 4]"""
        keys = self.norm(self.enter(tokens.flatten(1, 2))) + cast(Tensor, self.places)
        read, _ = self.attention(self.queries.expand(len(tokens), -1, -1), keys, keys, need_weights=False)
        return cast(Tensor, self.read(read.flatten(1))).sigmoid()


class PooledMlp(nn.Module):
    """Mean over tokens, then an MLP: what the research documents call ``PositionHead``.

    Kept for the audit, as wide as theirs: the mean forgets where anything was, so a perfect mask scores the floor too.
    """

    def __init__(self, shape: GridShape, hidden: int = 512) -> None:
        super().__init__()
        self.read = nn.Sequential(nn.Linear(shape.width, hidden), nn.ReLU(), box_layer(hidden))

    def forward(self, tokens: Tensor) -> Tensor:
        """[b, H, W, C] -> cxcywh [b, 4]"""
        return cast(Tensor, self.read(tokens.flatten(1, 2).mean(1))).sigmoid()


def pooled(tokens: Tensor) -> Tensor:
    """The mean over tokens as a grid of one cell: all that ``PooledMlp`` reads. [b, H, W, C] -> [b, 1, 1, C]"""
    return tokens.mean((1, 2), keepdim=True)


def narrowed(tokens: Tensor) -> Tensor:
    """Tokens divided by the root of their width, so that a step moves a linear map's answer alike at every width.

    Without, one Adam step on 588 channels of raw pixels saturated ``SoftArgmax``: 0.00 IoU, far below the floor.
    [b, H, W, C] -> [b, H, W, C]
    """
    return tokens / math.sqrt(tokens.shape[-1])


def box_layer(width: int) -> nn.Linear:
    """A linear map to the logits of a box, started at nearly the whole picture."""
    layer = nn.Linear(width, 4)
    nn.init.zeros_(layer.weight)
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([0.0, 0.0, WHOLE, WHOLE]))
    return layer
