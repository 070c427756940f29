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
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


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
) -> None:
    """Refuse a vision side and language blocks that memory does not hold together, before either is built.

    Nothing is counted where none of the ``taps`` that will be read is the language model's. Raises: UsageError.
    """
    depths = llm_depths(taps)
    if depths:
        what = f"{origin.name} ({vision} and {depths[-1]} blocks of the language model)"
        require_memory(what, count_vision() + count_language(depths[-1]), origin.device, origin.dtype)
