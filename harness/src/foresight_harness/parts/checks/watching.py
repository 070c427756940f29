"""What modules do during a call, seen from outside: no names of the model under test are needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook


@dataclass(frozen=True)
class Call:
    """One finished call of a module."""

    module: nn.Module
    inputs: tuple[Any, ...]
    output: Tensor | None
    """The output, or the first tensor of a tuple."""


@dataclass
class Calls:
    """The calls of all modules, in the order in which they finished."""

    finished: list[Call] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.finished)

    def outputs_by_class(self) -> dict[type, list[Tensor]]:
        """First output of every module, by class, in the order in which the modules were first called."""
        seen: set[int] = set()
        outputs: dict[type, list[Tensor]] = {}
        for call in self.finished:
            if id(call.module) not in seen and call.output is not None:
                seen.add(id(call.module))
                outputs.setdefault(type(call.module), []).append(call.output)
        return outputs

    def pixels(self) -> Tensor | None:
        """What the first convolution over three channels was given: the preprocessed picture. [N, 3, ...]"""
        for call in self.finished:
            if isinstance(call.module, nn.Conv2d | nn.Conv3d) and call.module.in_channels == 3 and call.inputs:
                return call.inputs[0] if isinstance(call.inputs[0], Tensor) else None
        return None

    def parameters(self) -> int:
        """Parameters of all modules that were called, each counted once."""
        found = {id(parameter): parameter.numel() for call in self.finished for parameter in call.module.parameters()}
        return sum(found.values())


@contextmanager
def watch_modules() -> Iterator[Calls]:
    """Collect every module call within the block."""
    calls = Calls()

    def remember(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        calls.finished.append(Call(module, inputs, _first_tensor(output)))

    handle = register_module_forward_hook(remember)
    try:
        with torch.no_grad():
            yield calls
    finally:
        handle.remove()


def _first_tensor(output: Any) -> Tensor | None:
    if isinstance(output, Tensor):
        return output
    if isinstance(output, tuple | list) and output and isinstance(output[0], Tensor):
        return output[0]
    return None
