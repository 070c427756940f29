"""How large the modules of a cell are, at this run's width and at the width of the document that claims a size."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import nn

from foresight_harness.contracts.records.parts import ModuleSize
from foresight_harness.contracts.specs import EnhancerSpec, FusionSpec, GridShape
from foresight_harness.planning.options.feeding import AS_EACH_SAYS, Feeding

if TYPE_CHECKING:
    from foresight_harness.planning.candidates import ResolvedCandidate


def module_sizes(candidate: ResolvedCandidate, feeding: Feeding = AS_EACH_SAYS) -> tuple[ModuleSize, ...]:
    """Every trained enhancer and fusion of a candidate, each once a width.

    Args:
        candidate: Whose modules are counted.
        feeding: What the run feeds its encoders; it moves grids, which some modules' sizes follow.

    Returns:
        One each; widths are one number a stream, and what the document does not state is None.
    """
    streams = [stream.shape(feeding) for stream in candidate.streams]
    found = []
    if candidate.enhancer.trainable:
        found += [_enhancer(candidate.enhancer, shape) for shape in dict.fromkeys(streams)]
    if candidate.fusion.trainable:
        enhanced = tuple(candidate.enhancer.output_shape(shape) for shape in streams)
        found.append(_fusion(candidate.fusion, enhanced))
    return tuple(found)


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
def _enhancer(spec: EnhancerSpec, shape: GridShape) -> ModuleSize:
    at = spec.claimed_at
    params = count_without_memory(lambda: spec.build(shape))
    claimed = count_without_memory(lambda: spec.build(at)) if at else None
    return _size("enhancer", spec, (shape.width,), params, (at.width,) if at else None, claimed)


@cache
def _fusion(spec: FusionSpec, shapes: tuple[GridShape, ...]) -> ModuleSize:
    at = spec.claimed_at
    params = count_without_memory(lambda: spec.build(shapes))
    claimed = count_without_memory(lambda: spec.build(at)) if at else None
    widths = tuple(shape.width for shape in shapes)
    return _size("fusion", spec, widths, params, tuple(shape.width for shape in at) or None, claimed)


def _size(
    part: str,
    spec: EnhancerSpec | FusionSpec,
    width: tuple[int, ...],
    params: int | None,
    claimed_width: tuple[int, ...] | None,
    claimed_width_params: int | None,
) -> ModuleSize:
    return ModuleSize(
        part=part,
        name=spec.name,
        width=width,
        params=params,
        claimed_width=claimed_width,
        claimed_width_params=claimed_width_params,
        claimed=spec.claimed_params,
        source=spec.source or None,
    )
