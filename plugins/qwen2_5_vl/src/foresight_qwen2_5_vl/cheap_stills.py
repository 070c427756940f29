"""What training need not pay for: the same values as the class's own, up to rounding, for less work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@contextmanager
def cheap_stills(tower: Any) -> Iterator[None]:
    """Within it patches of stills are projected once, not as two equal frames, and windows attended to together.

    Args:
        tower: Of a model whose pictures have whole windows of one size.
    """
    changed: dict[nn.Module, Any] = {tower.patch_embed: partial(_project, tower.patch_embed.proj)}
    changed |= {block.attn: partial(_attend, block.attn) for block in tower.blocks}
    for module, forward in changed.items():
        module.forward = forward
    try:
        yield
    finally:
        for module in changed:
            del module.forward


def _project(projection: nn.Module, patches: Tensor) -> Tensor:
    """What a still gives that is shown in every frame of a slot. [S, 3 * patch * patch] -> [S, C]"""
    weight: Any = projection.weight
    return F.linear(patches, weight.sum(2).flatten(1))


class _Turn(torch.autograd.Function):
    """Rotary embedding of queries and keys at once. [S, heads, C] -> [S, heads, C]"""

    @staticmethod
    def forward(context: Any, states: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        context.save_for_backward(cosines, sines)
        return _turned(states, cosines, sines)

    @staticmethod
    def backward(context: Any, slopes: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        cosines, sines = context.saved_tensors
        return _turned(slopes, cosines, -sines), None, None


def _turned(states: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    half = states.shape[-1] // 2
    turned = states * cosines
    turned[..., :half].addcmul_(states[..., half:], sines[..., :half], value=-1)
    turned[..., half:].addcmul_(states[..., :half], sines[..., half:])
    return turned


def _attend(
    layer: Any, hidden_states: Tensor, cu_seqlens: Tensor, position_embeddings: tuple[Tensor, Tensor], **_: Any
) -> Tensor:
    """What the layer's own ``forward`` gives. [S, C] -> [S, C]"""
    windows, length, heads = len(cu_seqlens) - 1, len(hidden_states) // (len(cu_seqlens) - 1), layer.num_heads
    cosines, sines = (part.unsqueeze(1) for part in position_embeddings)
    parts = layer.qkv(hidden_states).view(len(hidden_states), 3 * heads, -1)
    apply: Any = _Turn.apply
    turned = apply(parts[:, : 2 * heads], cosines, sines)
    query, key, value = (
        part.reshape(windows, length, heads, -1).transpose(1, 2)
        for part in (turned[:, :heads], turned[:, heads:], parts[:, 2 * heads :])
    )
    attended = F.scaled_dot_product_attention(query, key, value, scale=layer.scaling)
    projected: Tensor = layer.proj(attended.transpose(1, 2).reshape(len(hidden_states), -1))
    return projected
