"""What parameters an object really holds, whatever its plugin declares: how many, and whether they are numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.errors import CheckpointError, PluginError

if TYPE_CHECKING:
    import torch

MOST_OBJECTS = 100_000
"""An encoder that holds more without a network has its own reasons; the walk ends there."""


def require_no_parameters(built: object, what: str) -> None:
    """Refuse a part that declares to have nothing to load and holds parameters.

    Such a part has no origin to state and would pass for a fixed transform.

    Raises:
        PluginError: in one line.
    """
    count = parameter_count(built)
    if count:
        raise PluginError(
            f"{what} declares no parameters and holds {count:,}: declare params, so that the origin of its weights is "
            "recorded"
        )


def parameter_count(built: object) -> int:
    """Parameters of every module, and every parameter outside one, that can be reached from an object.

    Attributes, containers, closures and partial calls are followed; each parameter counts once.
    """
    return sum(parameter.numel() for parameter in parameters_of(built))


def parameters_of(built: object) -> list[torch.nn.Parameter]:
    """Those that ``parameter_count`` counts."""
    import torch

    found: dict[int, torch.nn.Parameter] = {}
    for thing in _reached(built):
        if isinstance(thing, torch.nn.Module):
            found |= {id(parameter): parameter for parameter in thing.parameters()}
        elif isinstance(thing, torch.nn.Parameter):
            found[id(thing)] = thing
    return list(found.values())


def require_finite_parameters(built: object, what: str) -> None:
    """Refuse weights that hold NaN or infinite values: features that only some pictures make NaN of name no cause.

    Buffers are left alone, since masks of attention are infinite on purpose.

    Raises:
        CheckpointError: in one line, naming the first such parameter.
    """
    import torch

    modules = (thing for thing in _reached(built) if isinstance(thing, torch.nn.Module))
    for name, parameter in (entry for module in modules for entry in module.named_parameters()):
        if parameter.is_meta or not parameter.is_floating_point():
            continue
        # As ``require_finite``: a finite sum costs a twentieth of asking every value.
        if not torch.isfinite(parameter.detach().sum(dtype=torch.float32)):
            bad = int((~torch.isfinite(parameter.detach())).sum())
            if bad:
                raise CheckpointError(
                    f"{what}: {bad:,} of {parameter.numel():,} values of {name} are not finite: the checkpoint was "
                    "damaged or overflowed when it was saved (or here, by --dtype float16); take another copy"
                )


WEIGHT_VALUES = 256
"""Values of the smallest tensor that is taken for weights: means and standard deviations are smaller."""


def tensor_count(built: object) -> int:
    """Values of floating-point tensors and arrays that an object refers to and that are no parameters of a module.

    Where nothing is declared to be loaded, weights may lie there too; small ones are constants.
    """
    import numpy as np
    import torch

    counted: dict[int, int] = {}
    for thing in _reached(built):
        tensors = list(thing.buffers()) if isinstance(thing, torch.nn.Module) else [thing]
        for tensor in tensors:
            if isinstance(tensor, torch.Tensor) and not isinstance(tensor, torch.nn.Parameter):
                size = tensor.numel() if tensor.is_floating_point() else 0
            elif isinstance(tensor, np.ndarray):
                size = tensor.size if tensor.dtype.kind == "f" else 0
            else:
                continue
            if size >= WEIGHT_VALUES:
                counted[id(tensor)] = size
    return sum(counted.values())


def _reached(built: object) -> Iterator[object]:
    """Every object that can be reached from one, each once."""
    import torch

    seen: set[int] = set()
    waiting: list[Any] = [built]
    while waiting and len(seen) < MOST_OBJECTS:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, str | bytes | int | float | bool | type | None):
            continue
        seen.add(id(thing))
        yield thing
        if not isinstance(thing, torch.Tensor):
            waiting.extend(_inside(thing))


def _inside(thing: object) -> Iterator[object]:
    """What an object refers to by its own attributes, items or closure."""
    if isinstance(thing, Mapping):
        yield from thing.values()
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from thing
    yield from getattr(thing, "__dict__", {}).values()
    for name in getattr(type(thing), "__slots__", ()):
        if isinstance(name, str) and hasattr(thing, name):
            yield getattr(thing, name)
    for cell in getattr(thing, "__closure__", None) or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
    for name in ("__self__", "func", "args", "keywords"):  # a bound method; a partial call
        if name == "__self__" or type(thing).__name__ == "partial":
            yield getattr(thing, name, None)
