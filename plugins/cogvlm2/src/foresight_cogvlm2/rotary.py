"""Rotary positions, and which position and which expert each token of a sequence has."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def inverse_frequencies(width: int, theta: float) -> Tensor:
    """Angle per position of each pair of channels. [width / 2] float32"""
    # In Python: arithmetic on the meta device imports torch's compiler (see ``empty_embedding``).
    return torch.tensor([theta ** -(channel / width) for channel in range(0, width, 2)])


class Rotary(nn.Module):
    """Rotates channel ``i`` with channel ``i + width / 2``. The frequencies are part of the published checkpoints."""

    inv_freq: Tensor

    def __init__(self, width: int, theta: float) -> None:
        super().__init__()
        self.register_buffer("inv_freq", inverse_frequencies(width, theta))

    def forward(self, heads: Tensor, position_ids: Tensor) -> Tensor:
        """[B, heads, N, width], [N] int64 -> [B, heads, N, width]"""
        angles = position_ids[:, None].float() * self.inv_freq.float()
        cos, sin = angles.cos().to(heads.dtype), angles.sin().to(heads.dtype)
        first, second = heads.chunk(2, dim=-1)
        return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def token_types(cells: int) -> Tensor:
    """Type of each token of start of text, picture start, ``cells`` tokens, picture end: 0 text, 1 picture. [N]"""
    return torch.tensor([0, *[1] * (cells + 2)])


def clip_token_types(cells: int, texts: Sequence[int]) -> Tensor:
    """Type of each token of start of text and frames, each of them a picture and so many ids of text behind it. [N]"""
    types = [0]
    for text in texts:
        types += [1] * (cells + 2) + [0] * text
    return torch.tensor(types)


def visual_tokens(types: Tensor) -> Tensor:
    """Tokens of the vision expert: of the picture, and followed by one of the picture.

    So the last token of a picture, its end mark, belongs to the language expert. [N] int64 -> [N] bool
    """
    visual = torch.zeros_like(types, dtype=torch.bool)
    visual[:-1] = (types[:-1] == 1) & (types[1:] == 1)
    return visual


def position_ids(types: Tensor) -> Tensor:
    """Rotary positions: all inner tokens of a picture share one, its start and end mark count as text.

    Inside the language model, place in the picture is carried by content and by causal order alone.
    [N] int64 -> [N] int64
    """
    picture = types == 1
    before = torch.cat([torch.zeros_like(picture[:1]), picture[:-1]])
    after = torch.cat([picture[1:], torch.zeros_like(picture[:1])])
    inner = picture & before & after
    previous_inner = torch.cat([torch.zeros_like(inner[:1]), inner[:-1]])
    step = ~(inner & previous_inner)
    step[0] = False
    return step.long().cumsum(0)
