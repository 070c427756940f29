"""How large the modules of a cell are, at this run's width and at the width of the document that claims a size."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from foresight_harness.contracts.specs import EnhancerSpec, FusionSpec, GridShape

if TYPE_CHECKING:
    from foresight_harness.planning.candidates import ResolvedCandidate


def module_sizes(candidate: ResolvedCandidate, picture_px: int | None = None) -> list[dict[str, Any]]:
    """Every trained enhancer and fusion of a candidate, each once a width.

    Args:
        candidate: Whose modules are counted.
        picture_px: Side that a run asks for; it moves grids, which some modules' sizes follow.

    Returns:
        ``{part, name, width, params, claimed_width, claimed_width_params, claimed, source}`` each; widths are lists,
        one number a stream, and what the document does not state is None.
    """
    streams = [stream.shape(picture_px) for stream in candidate.streams]
    found = []
    if candidate.enhancer.trainable:
        found += [_enhancer(candidate.enhancer, shape) for shape in dict.fromkeys(streams)]
    if candidate.fusion.trainable:
        enhanced = tuple(candidate.enhancer.output_shape(shape) for shape in streams)
        found.append(_fusion(candidate.fusion, enhanced))
    return found


def count_without_memory(build: Callable[[], object]) -> int | None:
    """Parameters of a module that is built without storage; None where its constructor must read values.

    The global generator is left as it was.
    """
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            module = build()
    except (NotImplementedError, RuntimeError):  # torch: "Cannot copy out of meta tensor; no data!" and its kin
        return None
    return sum(parameter.numel() for parameter in module.parameters()) if isinstance(module, nn.Module) else None


@cache
def _enhancer(spec: EnhancerSpec, shape: GridShape) -> dict[str, Any]:
    at = spec.claimed_at
    params = count_without_memory(lambda: spec.build(shape))
    claimed = count_without_memory(lambda: spec.build(at)) if at else None
    return _row("enhancer", spec, [shape.width], params, [at.width] if at else None, claimed)


@cache
def _fusion(spec: FusionSpec, shapes: tuple[GridShape, ...]) -> dict[str, Any]:
    at = spec.claimed_at
    params = count_without_memory(lambda: spec.build(shapes))
    claimed = count_without_memory(lambda: spec.build(at)) if at else None
    widths = [shape.width for shape in shapes]
    return _row("fusion", spec, widths, params, [shape.width for shape in at] or None, claimed)


def _row(
    part: str,
    spec: EnhancerSpec | FusionSpec,
    width: list[int],
    params: int | None,
    claimed_width: list[int] | None,
    claimed_width_params: int | None,
) -> dict[str, Any]:
    return {
        "part": part,
        "name": spec.name,
        "width": width,
        "params": params,
        "claimed_width": claimed_width,
        "claimed_width_params": claimed_width_params,
        "claimed": spec.claimed_params,
        "source": spec.source or None,
    }
