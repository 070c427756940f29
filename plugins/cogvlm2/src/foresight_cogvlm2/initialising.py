"""Seeded random weights that do not depend on which parts were built, in which order, or on which device."""

from __future__ import annotations

import hashlib
import math

import torch
from torch import Tensor

from foresight_cogvlm2.architecture import TextShape
from foresight_cogvlm2.rotary import inverse_frequencies

SMALL_STD = 0.1
"""Of positions, class token and the marks around a picture."""

GLU_GAIN = 4.0
"""Its gated product of two unit normals behind a GELU has a root mean square of about a quarter."""


def random_tensor(name: str, shape: torch.Size, seed: int, text: TextShape) -> Tensor:
    """Draw one tensor from a generator of its own, seeded by seed and published name.

    Matrices keep the variance of their input (normal, 1 / sqrt(fan in)), norms start at one, biases at zero. What the
    language model's branches add is divided by sqrt(2 * layers), and the GLU is scaled to an output of about one: else
    the first layers would drown each token in what it attends to. The global generator is not used.
    """
    if name.endswith("inv_freq"):
        return inverse_frequencies(text.head_width, text.rope_theta)
    if name.endswith(".bias"):
        return torch.zeros(shape)
    if len(shape) == 1:
        return torch.ones(shape)
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    return torch.randn(shape, generator=generator).mul_(_std(name, shape, text))


def _std(name: str, shape: torch.Size, text: TextShape) -> float:
    if name.endswith(("cls_embedding", "position_embedding.weight", ".boi", ".eoi")):
        return SMALL_STD
    if name.endswith("embed_tokens.weight"):
        return 1.0
    std: float = (shape.numel() / shape[0]) ** -0.5
    if name.endswith("dense_4h_to_h.weight"):
        return GLU_GAIN * std
    if name.endswith(("_expert_dense.weight", ".down_proj.weight")):
        return std / math.sqrt(2 * text.num_hidden_layers)
    return std
