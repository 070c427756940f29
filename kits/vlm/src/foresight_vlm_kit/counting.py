"""Parameters of modules, built or not, and what memory must hold together."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from foresight_harness.weights import require_memory
from torch import nn

from foresight_vlm_kit.origin import Origin
from foresight_vlm_kit.taps import llm_depths


def count(*modules: nn.Module) -> int:
    """Parameters of modules, on the meta device or not; shared ones count once a module."""
    return sum(_numbers(parameter) for module in modules for parameter in module.parameters())


def bytes_per_param(*modules: nn.Module) -> float:
    """What a parameter of built modules takes on average; scales of quantised matrices are left out."""
    held = sum(one.numel() * one.element_size() for module in modules for one in module.parameters())
    return held / count(*modules)


def _numbers(parameter: nn.Parameter) -> int:
    """Of a matrix in 4 bits two numbers share a byte, and its own shape stands beside it."""
    state = getattr(parameter, "quant_state", None)
    return parameter.numel() if state is None else int(torch.Size(state.shape).numel())


def count_matrices(module: nn.Module) -> int:
    """Parameters in matrices of linear layers: those that quantising touches."""
    return sum(one.weight.numel() for one in module.modules() if isinstance(one, nn.Linear))


def count_on_meta(construct: Callable[[], nn.Module]) -> int:
    """Parameters of what ``construct`` makes, without allocating them."""
    with torch.device("meta"):
        return count(construct())


def require_both(
    origin: Origin,
    taps: Iterable[str],
    vision: str,
    count_vision: Callable[[], int],
    count_language: Callable[[int], int],
    matrices: Callable[[int], int] | None = None,
) -> None:
    """Refuse a vision side and language blocks that memory does not hold together, before either is built.

    ``matrices`` counts, of both at a depth, what is quantised; it is asked only where something is. Nothing is counted
    where none of the ``taps`` that will be read is the language model's. Raises: UsageError.
    """
    depths = llm_depths(taps)
    if depths:
        what = f"{origin.name} ({vision} and {depths[-1]} blocks of the language model)"
        held = count_vision() + count_language(depths[-1])
        require_held(origin, what, held, lambda: matrices(depths[-1]) if matrices is not None else 0)


def require_held(origin: Origin, what: str, params: int, matrices: Callable[[], int]) -> None:
    """Refuse what memory does not hold in the origin's number format and devices. Raises: UsageError."""
    require_memory(
        what,
        params,
        origin.device,
        origin.dtype,
        quantize=origin.quantize,
        matrices=0 if origin.quantize == "none" else matrices(),
        spread=origin.device_map != "none",
    )
