"""A small set-prediction head: queries attend to tokens and each answers with an object or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from foresight_harness.contracts.specs.grid_shape import GridShape
from foresight_harness.parts.grid_modules.positions import cell_centres, fourier_encoding
from foresight_harness.parts.probes.box_loss import GIOU_WEIGHT, L1_WEIGHT, box_loss, corners

INNER = 64
HEADS = 4
LAYERS = 2
SIDE = 4
"""Queries stand on a grid of so many a side: 16 objects at most."""
CYCLES = (0.5, 8.0)
OBJECT_WEIGHT = 2.0
PRIOR = -2.0
"""Logit of "an object" before training: most queries answer none."""


class SetPrediction(NamedTuple):
    """What the queries answer."""

    boxes: Tensor
    """cxcywh. [b, Q, 4]"""
    logits: Tensor
    """Of "this is an object". [b, Q]"""


class DetrHead(nn.Module):
    """Decoder layers of self- and cross-attention over ``SIDE`` x ``SIDE`` queries, each with a reference point.

    Args:
        shape: Of the grid.
        positions: Whether tokens carry their places. Without, attention cannot tell one place from another.

    Source: DETR, arXiv 2005.12872; reference points from Deformable DETR, arXiv 2010.04159. No encoder layers: the
    features are what is measured.
    """

    def __init__(self, shape: GridShape, *, positions: bool = True) -> None:
        super().__init__()
        self.enter = nn.Linear(shape.width, INNER)
        self.norm = nn.LayerNorm(INNER)
        self.queries = nn.Parameter(torch.randn(SIDE * SIDE, INNER) * 0.02)
        self.layers = nn.ModuleList(
            nn.TransformerDecoderLayer(INNER, HEADS, 2 * INNER, dropout=0.0, batch_first=True, norm_first=True)
            for _ in range(LAYERS)
        )
        self.leave = nn.LayerNorm(INNER)
        self.box = nn.Sequential(nn.Linear(INNER, INNER), nn.ReLU(), nn.Linear(INNER, 4))
        self.object = nn.Linear(INNER, 1)
        nn.init.constant_(self.object.bias, PRIOR)
        places = fourier_encoding(shape.rows, shape.cols, bands=INNER // 4, cycles=CYCLES).flatten(0, 1)
        self.register_buffer("places", places if positions else torch.zeros_like(places), persistent=False)
        asked = fourier_encoding(SIDE, SIDE, bands=INNER // 4, cycles=CYCLES).flatten(0, 1)
        self.register_buffer("asked", asked, persistent=False)
        self.register_buffer("reference", cell_centres(SIDE, SIDE).flatten(0, 1).logit(), persistent=False)

    def forward(self, tokens: Tensor) -> SetPrediction:
        """[b, H, W, C] -> Q boxes and logits"""
        memory = self.norm(self.enter(tokens.flatten(1, 2))) + cast(Tensor, self.places)
        layers = [cast(nn.TransformerDecoderLayer, layer) for layer in self.layers]
        queries = (self.queries + cast(Tensor, self.asked))[None]  # of all samples until they have seen tokens
        for layer, keys_values in zip(layers, _keys_values(layers, memory), strict=True):
            queries = _decoded(layer, queries, *keys_values)
        read = self.leave(queries)
        box = self.box(read)
        centre = box[..., :2] + cast(Tensor, self.reference)
        return SetPrediction(torch.cat([centre, box[..., 2:]], -1).sigmoid(), self.object(read)[..., 0])


def _keys_values(layers: Sequence[nn.TransformerDecoderLayer], memory: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Keys and values of every layer's cross-attention, in one product. [b, N, C] -> [b, heads, N, C / heads] each"""
    attentions = [layer.multihead_attn for layer in layers]
    weight = torch.cat([cast(Tensor, one.in_proj_weight)[INNER:] for one in attentions])
    bias = torch.cat([one.in_proj_bias[INNER:] for one in attentions])
    both = torch.unflatten(F.linear(memory, weight, bias), -1, (len(layers), 2, HEADS, -1)).permute(2, 3, 0, 4, 1, 5)
    return [(pair[0], pair[1]) for pair in (layer.unbind(0) for layer in both.unbind(0))]


def _decoded(layer: nn.TransformerDecoderLayer, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """What the layer itself computes (``norm_first``, no dropout), a fifth faster: no copies to and from heads.

    Queries are those of b samples, or one set that serves all of them. [b or 1, Q, C] -> [b, Q, C]
    """
    own, cross = layer.self_attn, layer.multihead_attn
    packed = F.linear(layer.norm1(queries), own.in_proj_weight, own.in_proj_bias)
    asked, known, said = torch.unflatten(packed, -1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4).unbind(0)
    queries = queries + _attended(own, asked, known, said)
    weight = cast(Tensor, cross.in_proj_weight)
    asked = F.linear(layer.norm2(queries), weight[:INNER], cross.in_proj_bias[:INNER])
    asked = torch.unflatten(asked, -1, (HEADS, -1)).transpose(1, 2).expand(len(keys), -1, -1, -1)
    queries = queries + _attended(cross, asked, keys, values)
    return cast(Tensor, queries + layer.linear2(F.relu(layer.linear1(layer.norm3(queries)))))


def _attended(attention: nn.MultiheadAttention, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attention of heads, joined. [b, heads, Q, d], [b, heads, N, d], [b, heads, N, d] -> [b, Q, C]"""
    read = F.scaled_dot_product_attention(queries, keys, values)
    return cast(Tensor, attention.out_proj(read.transpose(1, 2).flatten(2)))


def set_loss(predicted: SetPrediction, true: list[Tensor]) -> Tensor:
    """Focal loss on which queries stand for an object, box losses on those that do.

    Args:
        predicted: Of b samples.
        true: cxcywh of each sample's objects. b x [N_i, 4]

    Source: DETR, arXiv 2005.12872; focal classification with alpha 0.25, gamma 2 as in Deformable DETR.
    """
    sample, query, boxes = assign(predicted, true)
    labels = torch.zeros_like(predicted.logits)
    labels[sample, query] = 1.0
    objects = max(len(sample), 1)
    focal: Tensor = sigmoid_focal_loss(predicted.logits, labels, reduction="sum")
    loss = OBJECT_WEIGHT * focal / objects
    if len(sample) == 0:
        return loss
    return loss + box_loss(predicted.boxes[sample, query], boxes).sum() / objects


@torch.no_grad()
def assign(predicted: SetPrediction, true: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """One query for each object, by the least total cost.

    Returns:
        Samples [m], queries [m] and the objects' boxes, cxcywh [m, 4].
    """
    counts = [len(boxes) for boxes in true]
    device = predicted.logits.device
    flat = torch.cat(true).to(device)
    owner = torch.repeat_interleave(torch.arange(len(true)), torch.tensor(counts)).to(device)
    boxes = predicted.boxes[owner]
    distance = (boxes - flat[:, None]).abs().sum(-1)
    pairs = corners(boxes).flatten(0, 1), corners(flat)[:, None].expand(-1, boxes.shape[1], 4).flatten(0, 1)
    overlap = 1 - generalized_box_iou_loss(*pairs).reshape(distance.shape)
    score = F.logsigmoid(predicted.logits)[owner]
    cost = (L1_WEIGHT * distance - GIOU_WEIGHT * overlap - OBJECT_WEIGHT * score).cpu().numpy()
    queries, order, start = [], [], 0
    for count in counts:
        rows, cols = linear_sum_assignment(cost[start : start + count])
        order.append(rows + start)
        queries.append(cols)
        start += count
    index = torch.from_numpy(np.concatenate(order)).to(device)
    return owner[index], torch.from_numpy(np.concatenate(queries)).to(device), flat[index]
