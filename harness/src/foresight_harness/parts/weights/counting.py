"""What parameters an object really holds, whatever its plugin declares: how many, and whether they are numbers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

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
    looked_through: set[int] = set()
    for thing in _reached(built):
        if isinstance(thing, torch.nn.Module):
            if id(thing) not in looked_through:
                looked_through.update(map(id, thing.modules()))
                found |= {id(parameter): parameter for parameter in thing.parameters()}
        elif isinstance(thing, torch.Tensor) and isinstance(thing, torch.nn.Parameter):
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


HELD_BY_PARTIAL = ("func", "args", "keywords")


class _Look(NamedTuple):
    """What there is to look at in every object of a class."""

    leaf: bool
    plain: bool
    """A container of Python's own, which holds nothing beside its items."""
    mapping: bool
    items: bool
    slots: tuple[str, ...]
    closure: bool
    held: tuple[str, ...]
    """What a bound method or a partial call keeps by a name."""


def _look(kind: type) -> _Look:
    return _Look(
        leaf=issubclass(kind, str | bytes | int | float | bool | type | None),
        plain=kind in (dict, OrderedDict, list, tuple, set, frozenset),
        mapping=issubclass(kind, Mapping),
        items=issubclass(kind, list | tuple | set | frozenset),
        slots=tuple(name for name in getattr(kind, "__slots__", ()) if isinstance(name, str)),
        closure=hasattr(kind, "__closure__"),
        held=tuple(
            name for name in ("__self__", *HELD_BY_PARTIAL * (kind.__name__ == "partial")) if hasattr(kind, name)
        ),
    )


def _reached(built: object) -> Iterator[object]:
    """Every object that can be reached from one, each once; empty containers are left out."""
    import torch

    seen: set[int] = set()
    looks: dict[type, _Look] = {}  # a network is thousands of objects of some dozens of classes
    waiting: list[object] = [built]
    while waiting and len(seen) < MOST_OBJECTS:
        thing = waiting.pop()
        look = looks.get(type(thing)) or looks.setdefault(type(thing), _look(type(thing)))
        if look.leaf or (look.plain and not thing) or id(thing) in seen:
            continue
        seen.add(id(thing))
        yield thing
        if not isinstance(thing, torch.Tensor):
            waiting.extend(_inside(thing, look))


def _inside(thing: Any, look: _Look) -> Iterator[object]:
    """What an object refers to by its own attributes, items or closure."""
    if look.mapping:
        yield from thing.values()
    elif look.items:
        yield from thing
    yield from getattr(thing, "__dict__", {}).values()
    for name in look.slots:
        if hasattr(thing, name):
            yield getattr(thing, name)
    for cell in (getattr(thing, "__closure__", None) or ()) if look.closure else ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
    for name in look.held:
        yield getattr(thing, name, None)
