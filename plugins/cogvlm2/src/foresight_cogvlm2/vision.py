"""The vision side: EVA2-CLIP-E tower, stride-2 convolution and GLU, under the published names.

Source: weight index and ``visual.py`` of THUDM/cogvlm2-llama3-chat-19B (facts only). Written anew, because the
published code needs xformers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_cogvlm2.architecture import CONV_STRIDE, Architecture, VisionShape
from foresight_cogvlm2.attention import attend
from foresight_cogvlm2.language import empty_embedding


class PatchEmbedding(nn.Module):
    """Patches, class token and learned positions."""

    def __init__(self, shape: VisionShape) -> None:
        super().__init__()
        self.proj = nn.Conv2d(shape.in_channels, shape.hidden_size, shape.patch_size, shape.patch_size)
        self.cls_embedding = nn.Parameter(torch.zeros(1, shape.hidden_size))
        self.position_embedding = empty_embedding(shape.num_positions, shape.hidden_size)

    def patches(self, pixels: Tensor) -> Tensor:
        """Projected patches in raster order, before positions. [N, 3, S, S] -> [N, cells, C]"""
        projected: Tensor = self.proj(pixels)
        return projected.flatten(2).transpose(1, 2)

    def forward(self, patches: Tensor) -> Tensor:
        """Class token in front, positions added. [N, cells, C] -> [N, 1 + cells, C]"""
        token = self.cls_embedding.expand(patches.shape[0], 1, -1)
        positions = positions_for(self.position_embedding.weight, patches.shape[1])
        return torch.cat([token, patches], dim=1) + positions


def positions_for(table: Tensor, cells: int) -> Tensor:
    """Learned positions for a square grid of ``cells`` cells; those of another grid by bicubic interpolation.

    Args:
        table: Class token first, then the raster of the grid that was trained. [1 + trained, C]
        cells: Cells of the wanted grid.

    Returns:
        The table itself where the grid is the trained one. [1 + cells, C]
    """
    trained = table.shape[0] - 1
    if trained == cells:
        return table
    side, wanted = round(trained**0.5), round(cells**0.5)
    grid = table[1:].float().reshape(1, side, side, -1).permute(0, 3, 1, 2)
    resized = F.interpolate(grid, (wanted, wanted), mode="bicubic", align_corners=False)
    return torch.cat([table[:1], resized.flatten(2)[0].T.to(table.dtype)])


class TowerAttention(nn.Module):
    """Attention over all tokens, with one fused projection."""

    def __init__(self, shape: VisionShape, implementation: str) -> None:
        super().__init__()
        self.heads, self.implementation = shape.num_heads, implementation
        self.query_key_value = nn.Linear(shape.hidden_size, 3 * shape.hidden_size)
        self.dense = nn.Linear(shape.hidden_size, shape.hidden_size)

    def forward(self, states: Tensor) -> Tensor:
        """[N, 1 + cells, C] -> the same"""
        fused = self.query_key_value(states).reshape(*states.shape[:2], 3, self.heads, -1)
        query, key, value = fused.permute(2, 0, 3, 1, 4)
        mixed: Tensor = self.dense(attend(query, key, value, causal=False, implementation=self.implementation))
        return mixed


class TowerMLP(nn.Module):
    """Two layers with GELU."""

    def __init__(self, shape: VisionShape) -> None:
        super().__init__()
        self.fc1 = nn.Linear(shape.hidden_size, shape.intermediate_size)
        self.fc2 = nn.Linear(shape.intermediate_size, shape.hidden_size)

    def forward(self, states: Tensor) -> Tensor:
        """[..., C] -> the same"""
        widened: Tensor = self.fc2(F.gelu(self.fc1(states)))
        return widened


class TowerBlock(nn.Module):
    """Normalises what a branch adds, not what it reads: ``input_layernorm`` stands behind the attention."""

    def __init__(self, shape: VisionShape, implementation: str) -> None:
        super().__init__()
        self.input_layernorm = nn.LayerNorm(shape.hidden_size, eps=shape.layer_norm_eps)
        self.attention = TowerAttention(shape, implementation)
        self.mlp = TowerMLP(shape)
        self.post_attention_layernorm = nn.LayerNorm(shape.hidden_size, eps=shape.layer_norm_eps)

    def forward(self, states: Tensor) -> Tensor:
        """[N, 1 + cells, C] -> the same"""
        states = states + self.input_layernorm(self.attention(states))
        added: Tensor = self.post_attention_layernorm(self.mlp(states))
        return states + added


class Tower(nn.Module):
    """The blocks; there is no norm behind the last."""

    def __init__(self, shape: VisionShape, implementation: str) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TowerBlock(shape, implementation) for _ in range(shape.num_hidden_layers))


class GLU(nn.Module):
    """From the tower's width to the language model's."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width, ffn = architecture.text.hidden_size, architecture.text.intermediate_size
        self.linear_proj = nn.Linear(architecture.vision.hidden_size, width, bias=False)
        self.norm1 = nn.LayerNorm(width)
        self.gate_proj = nn.Linear(width, ffn, bias=False)
        self.dense_h_to_4h = nn.Linear(width, ffn, bias=False)
        self.dense_4h_to_h = nn.Linear(ffn, width, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """[N, cells, C] -> [N, cells, C']"""
        tokens = F.gelu(self.norm1(self.linear_proj(tokens)))
        projected: Tensor = self.dense_4h_to_h(F.silu(self.gate_proj(tokens)) * self.dense_h_to_4h(tokens))
        return projected


class Vision(nn.Module):
    """Everything under ``model.vision``."""

    def __init__(self, architecture: Architecture, implementation: str = "sdpa") -> None:
        super().__init__()
        shape = architecture.vision
        self.patch_embedding = PatchEmbedding(shape)
        self.transformer = Tower(shape, implementation)
        self.linear_proj = GLU(architecture)
        self.conv = nn.Conv2d(shape.hidden_size, shape.hidden_size, CONV_STRIDE, CONV_STRIDE)
        self.boi = nn.Parameter(torch.zeros(1, 1, architecture.text.hidden_size))
        self.eoi = nn.Parameter(torch.zeros(1, 1, architecture.text.hidden_size))

    def convolve(self, patches: Tensor) -> Tensor:
        """Join 2x2 neighbours of a square raster. [N, cells, C] -> [N, cells / 4, C]"""
        count, cells, width = patches.shape
        side = round(cells**0.5)
        joined: Tensor = self.conv(patches.transpose(1, 2).reshape(count, width, side, side))
        return joined.flatten(2).transpose(1, 2)
