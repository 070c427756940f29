"""The language side: a Llama 3 decoder whose image tokens may have weights of their own, under the published names.

Source: weight index and ``modeling_cogvlm.py`` of THUDM/cogvlm2-llama3-chat-19B and cogvlm2-video-llama3-chat (facts
only). Written anew, because the published code needs a Triton kernel.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_cogvlm2.architecture import Architecture, TextShape
from foresight_cogvlm2.attention import attend
from foresight_cogvlm2.rotary import Rotary


def empty_embedding(rows: int, width: int) -> nn.Embedding:
    """A table whose values come later.

    ``nn.Embedding`` draws its values, and drawing normal numbers on the meta device imports 900 modules of torch's
    compiler: 14 s on a busy 2-core machine, for values that are never used.
    """
    return nn.Embedding(rows, width, _weight=torch.empty(rows, width))


class RMSNorm(nn.Module):
    """Root mean square norm, computed in float32."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, states: Tensor) -> Tensor:
        """[..., C] -> the same"""
        wide = states.float()
        normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return (self.weight * normed).to(states.dtype)


class MLP(nn.Module):
    """Gated with SiLU."""

    def __init__(self, shape: TextShape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.up_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.down_proj = nn.Linear(shape.intermediate_size, shape.hidden_size, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        """[..., C] -> the same"""
        projected: Tensor = self.down_proj(F.silu(self.gate_proj(states)) * self.up_proj(states))
        return projected


def route(
    states: Tensor, visual: Tensor, vision: Callable[[Tensor], Tensor] | None, language: Callable[[Tensor], Tensor]
) -> Tensor:
    """Send each token through its expert.

    Args:
        states: [B, N, C]
        visual: Tokens of the vision expert, the same in every sequence. [N] bool
        vision: Expert of those; None in a model without visual experts, where ``language`` takes all.
        language: Expert of the others.

    Returns:
        [B, N, C']
    """
    if vision is None:
        return language(states)
    seen, said = vision(states[:, visual]), language(states[:, ~visual])
    routed = seen.new_empty(states.shape[0], states.shape[1], seen.shape[-1])
    routed[:, visual], routed[:, ~visual] = seen, said
    return routed


class ExpertMLP(nn.Module):
    """One MLP for text, and one for image tokens where there are visual experts."""

    def __init__(self, shape: TextShape) -> None:
        super().__init__()
        self.language_mlp = MLP(shape)
        self.vision_mlp = MLP(shape) if shape.visual_experts else None

    def forward(self, states: Tensor, visual: Tensor) -> Tensor:
        """[B, N, C], [N] bool -> [B, N, C]"""
        return route(states, visual, self.vision_mlp, self.language_mlp)


class ExpertAttention(nn.Module):
    """Causal attention over all tokens; projections in and out by expert. Only the vision expert's has a bias."""

    def __init__(self, shape: TextShape, implementation: str) -> None:
        super().__init__()
        self.shape, self.implementation = shape, implementation
        width = shape.hidden_size
        self.rotary_emb = Rotary(shape.head_width, shape.rope_theta)
        self.language_expert_query_key_value = nn.Linear(width, shape.qkv_width, bias=False)
        self.language_expert_dense = nn.Linear(width, width, bias=False)
        experts = shape.visual_experts
        self.vision_expert_query_key_value = nn.Linear(width, shape.qkv_width, bias=True) if experts else None
        self.vision_expert_dense = nn.Linear(width, width, bias=False) if experts else None

    def forward(self, states: Tensor, visual: Tensor, position_ids: Tensor) -> Tensor:
        """[B, N, C], [N] bool, [N] int64 -> [B, N, C]"""
        shape = self.shape
        fused = route(states, visual, self.vision_expert_query_key_value, self.language_expert_query_key_value)
        heads = fused.reshape(*fused.shape[:2], -1, shape.head_width).transpose(1, 2)
        counts = [shape.num_attention_heads, shape.num_multi_query_heads, shape.num_multi_query_heads]
        query, key, value = torch.split(heads, counts, dim=1)
        query, key = self.rotary_emb(query, position_ids), self.rotary_emb(key, position_ids)
        mixed = attend(query, key, value, causal=True, implementation=self.implementation)
        return route(mixed, visual, self.vision_expert_dense, self.language_expert_dense)


class DecoderLayer(nn.Module):
    """Pre-norm layer."""

    def __init__(self, shape: TextShape, implementation: str) -> None:
        super().__init__()
        self.self_attn = ExpertAttention(shape, implementation)
        self.mlp = ExpertMLP(shape)
        self.input_layernorm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)

    def forward(self, states: Tensor, visual: Tensor, position_ids: Tensor) -> Tensor:
        """[B, N, C], [N] bool, [N] int64 -> [B, N, C]"""
        states = states + self.self_attn(self.input_layernorm(states), visual, position_ids)
        added: Tensor = self.mlp(self.post_attention_layernorm(states), visual)
        return states + added


class Decoder(nn.Module):
    """Embeddings and the first layers of the language model, without the final norm: states stay residual states."""

    def __init__(self, architecture: Architecture, layers: int | None = None, implementation: str = "sdpa") -> None:
        super().__init__()
        shape = architecture.text
        count = shape.num_hidden_layers if layers is None else layers
        self.embed_tokens = empty_embedding(shape.vocab_size, shape.hidden_size)
        self.layers = nn.ModuleList(DecoderLayer(shape, implementation) for _ in range(count))
