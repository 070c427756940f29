"""Random weights that depend on the seed and on each parameter's name alone.

Not on the device, the dtype, the depth that is built or what was built before: ``llm.02`` must have the same features
whether or not ``llm.04`` is asked for with it, because cached features are found by seed and tap.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

EMBEDDING_STD = 0.1
Model = TypeVar("Model", bound=nn.Module)


def seeded_model(construct: Callable[[], Model], seed: int, part: str) -> Model:
    """Construct a model and fill it with seeded weights, leaving the global generators alone.

    Args:
        construct: Makes the model. Its library's own initialisation costs minutes at full size and is drawn over: call
            this where the library is told to skip it.
        seed: Seed of the weights.
        part: Name of the part (``vision_tower``), so that equally named parameters of two parts differ.
    """
    with torch.random.fork_rng(devices=[]):
        model = construct()
    fill_parameters(model, seed, part)
    return model


@torch.no_grad()
def fill_parameters(model: nn.Module, seed: int, part: str) -> None:
    """Fill every parameter in place: maps N(0, 1 / fan-in), embeddings N(0, 0.1^2), norms 1, biases 0.

    The usual deviation of 0.02 leaves blocks of small width nearly without effect: every tap would read the same.
    """
    for name, parameter in model.named_parameters():
        path, _, leaf = name.rpartition(".")
        owner = model.get_submodule(path)
        if leaf == "bias":
            parameter.zero_()
        elif isinstance(owner, nn.Embedding) or leaf != "weight":
            parameter.copy_(_normal(parameter, EMBEDDING_STD, f"{seed}:{part}.{name}"))
        elif parameter.ndim == 1:
            parameter.fill_(1.0)
        else:
            parameter.copy_(_normal(parameter, 1 / math.sqrt(parameter[0].numel()), f"{seed}:{part}.{name}"))


def _normal(like: Tensor, std: float, key: str) -> Tensor:
    """Drawn on the CPU in float32, whatever the parameter's device and dtype."""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little", signed=True)
    generator = torch.Generator().manual_seed(number)
    return torch.empty(like.shape, dtype=torch.float32).normal_(0.0, std, generator=generator)
