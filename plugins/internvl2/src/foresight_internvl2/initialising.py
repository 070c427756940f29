"""Seeded random weights that do not depend on which parts were built, in which order, or on which device."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor

POSITION_STD = 0.1
"""The library starts positions and class token at zero, which would leave attention blind to place."""


def random_tensors(
    shapes: Mapping[str, Tensor], seed: int, *, device: str, dtype: torch.dtype, layer_scale: float = 0.1
) -> dict[str, Tensor]:
    """Draw every tensor of a module from a generator of its own, seeded by seed and name.

    Matrices keep the variance of their input (normal, 1 / sqrt(fan in)), norms start at one, biases at zero. The global
    generator is not used.

    Args:
        shapes: State dict of the module, on any device ("meta" included); names must be unique over the whole model.
        seed: Seed of the model.
        device: Where the tensors go.
        dtype: Their type; values are drawn in float32 on the CPU.
        layer_scale: Value of the vision tower's LayerScale vectors.
    """
    return {
        name: _draw(name, like.shape, seed, layer_scale).to(device=device, dtype=dtype) for name, like in shapes.items()
    }


def _draw(name: str, shape: torch.Size, seed: int, layer_scale: float) -> Tensor:
    if name.endswith(("lambda_1", "lambda_2")):
        return torch.full(shape, layer_scale)
    if name.endswith(".bias"):
        return torch.zeros(shape)
    if len(shape) == 1:
        return torch.ones(shape)
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    if name.endswith(("position_embeddings", "cls_token")):
        std = POSITION_STD
    elif name.endswith("embed_tokens.weight"):
        std = 1.0
    else:
        std = (shape.numel() / shape[0]) ** -0.5
    return torch.randn(shape, generator=generator).mul_(std)
