"""One call of an encoder, watched from outside: what ran, in which mode, on which pixels, and what came back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.module import register_module_forward_hook
from torch.overrides import TorchFunctionMode

CONVOLUTIONS: tuple[Callable[..., Any], ...] = (
    torch.conv2d,
    torch.conv3d,
    nn.functional.conv2d,
    nn.functional.conv3d,
)


@dataclass
class Observed:
    """What modules and convolutions did during the calls."""

    training: dict[str, int] = field(default_factory=dict)
    """Class of a module that behaves otherwise in training mode, and ran in it -> how many of it."""
    params: dict[int, int] = field(default_factory=dict)
    """Parameters of the modules that ran, each once: id -> number."""
    overlapping: bool = False
    """Whether a convolution of odd width wider than its stride ran: such networks do not centre cells exactly."""
    pixels: list[Tensor] = field(default_factory=list)
    """What the first convolution over three channels of each call was given. [N, 3, ...]"""
    first: bool = True


class _Convolutions(TorchFunctionMode):
    """Looks at every convolution, however it is called."""

    def __init__(self, observed: Observed, *, keep_pixels: bool) -> None:
        super().__init__()
        self._observed, self._keep_pixels = observed, keep_pixels

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if func in CONVOLUTIONS:
            self._look(args, given)
        return func(*args, **given)

    def _look(self, args: Sequence[Any], given: Mapping[str, Any]) -> None:
        names = ("input", "weight", "bias", "stride")
        named = dict(zip(names, args, strict=False)) | dict(given)
        pictures, weight, stride = named["input"], named["weight"], named.get("stride", 1)
        step = min(stride) if isinstance(stride, tuple | list) else int(stride)
        wide = max(weight.shape[2:])
        self._observed.overlapping |= wide > step and wide % 2 == 1
        if weight.shape[1] == 3 and self._keep_pixels and self._observed.first:
            self._observed.first = False
            self._observed.pixels.append(pictures.detach().float().cpu())


@contextmanager
def observing(*, keep_pixels: bool = False) -> Iterator[Observed]:
    """Watch every call within the block. Keeps no outputs: the largest encoders are watched too."""
    found = Observed()

    def look(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        found.params.update({id(own): own.numel() for own in module.parameters(recurse=False)})
        if module.training and _differs_in_training(module):
            name = type(module).__name__
            found.training[name] = found.training.get(name, 0) + 1

    handle = register_module_forward_hook(look)
    try:
        with _Convolutions(found, keep_pixels=keep_pixels):
            yield found
    finally:
        handle.remove()


def _differs_in_training(module: nn.Module) -> bool:
    if isinstance(module, _DropoutNd):
        return module.p > 0
    if isinstance(module, _BatchNorm):
        return True
    return type(module).__name__ in ("DropPath", "StochasticDepth") and _rate(module) > 0


def _rate(module: nn.Module) -> float:
    return float(getattr(module, "drop_prob", getattr(module, "p", 0.0)) or 0.0)
