"""Attention in two implementations that agree: torch's fused one, and written out."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def attend(query: Tensor, key: Tensor, value: Tensor, *, causal: bool, implementation: str) -> Tensor:
    """Scaled dot-product attention.

    Args:
        query: [B, heads, N, head_width]
        key: As many heads as ``query``, or a divisor of them: each key head serves consecutive query heads.
        value: Of the shape of ``key``.
        causal: Whether a token sees itself and earlier ones only.
        implementation: ``sdpa`` or ``eager``.

    Returns:
        Heads joined. [B, N, heads * head_width]
    """
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    if implementation == "sdpa":
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=causal)
    else:
        mixed = _eager(query, key, value, causal)
    return mixed.transpose(1, 2).flatten(2)


def _eager(query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
    scores = (query @ key.transpose(-1, -2)).float() * query.shape[-1] ** -0.5
    if causal:
        count = scores.shape[-1]
        later = scores.new_ones(count, count).triu(1).bool()
        scores = scores.masked_fill(later, float("-inf"))
    mixed: Tensor = scores.softmax(-1).to(value.dtype) @ value
    return mixed
