"""Single frames at a third of the cost: their convolutions over time see copies of one frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def cheap_stills(vae: nn.Module) -> Iterator[None]:
    """Within it, every causal or centred convolution of a single frame is done in two dimensions, to the same result.

    Both paddings repeat the frame, so that the taps over time add up. Clips take their usual way.
    """
    changed: list[Any] = [module for module in vae.modules() if type(module).__name__ == "LTXVideoCausalConv3d"]
    for module in changed:
        module.forward = _forward(module, module.forward)
    try:
        yield
    finally:
        for module in changed:
            del module.forward


def _forward(module: Any, usual: Any) -> Any:
    conv: nn.Conv3d = module.conv

    def forward(hidden_states: Tensor) -> Tensor:
        if hidden_states.shape[2] != 1:
            result: Tensor = usual(hidden_states)
            return result
        flat = torch.nn.functional.conv2d(
            hidden_states[:, :, 0], conv.weight.sum(2), conv.bias, stride=conv.stride[1:], padding=conv.padding[1:]
        )
        return flat.unsqueeze(2)

    return forward
