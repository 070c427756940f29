"""Reading the outputs of named modules during one forward, and ending it where nothing more is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


class _Reached(Exception):
    """The deepest module that is read has run."""


@contextmanager
def reading(
    places: Mapping[str, nn.Module], *, until: str | None = None, device: str | None = None
) -> Iterator[dict[str, Tensor]]:
    """Collect outputs of ``places`` while the body runs a model.

    Args:
        places: Modules to read, by the name that the collected tensors get.
        until: Name of the place after which the forward is broken off; None lets it run to its end.
        device: Where outputs are brought together, of a model that lies on several; None leaves them where they are.

    Yields:
        A mapping that fills while the body runs.

    Raises:
        TypeError: if a module gives something other than a tensor, as another version of its library may.
        RuntimeError: if a module runs twice: which of its outputs the tap means would be a guess.
    """
    found: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if not isinstance(output, Tensor):
                raise TypeError(
                    f"{type(module).__name__} ({name}) gave a {type(output).__name__}, not a tensor; "
                    "is its library of another version than the plugin was written for?"
                )
            if name in found:
                raise RuntimeError(f"{type(module).__name__} ({name}) ran twice in one forward")
            found[name] = output if device is None else output.to(device)
            if name == until:
                raise _Reached

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in places.items()]
    try:
        yield found
    except _Reached:
        pass
    finally:
        for handle in handles:
            handle.remove()
