"""Variants of any encoder, written ``family:NAME``: tokens out of place, coarser grids, random weights. No torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.protocols import Encoder
from foresight_harness.contracts.specs import BuildRequest, EncoderSpec, TapSpec

POOLED = (2, 4)
"""Sides of the blocks of tokens that are averaged: the C1 document's mergings 2x2 and 4x4."""
TWIN = "random"
"""Family of twins."""
LARGER = 2
"""Times the side of the picture, so that the grid has as many tokens as ``bilinear`` gives it."""


def variant_specs(base: EncoderSpec) -> tuple[EncoderSpec, ...]:
    """One spec a family: the variant of ``base`` by the family's bare name, of any other encoder by ``family:NAME``.

    ``random`` has no bare meaning: ``base`` has no weights.
    """
    families: dict[str, Callable[[EncoderSpec], EncoderSpec]] = {
        "shuffled": shuffled,
        "time_shuffled": time_shuffled,
        "window_order": window_order,
        **{f"pooled{side}": partial(pooled, side=side) for side in POOLED},
        f"larger{LARGER}": larger,
    }
    variants = [replace(derive(base), name=name, derive=derive) for name, derive in families.items()]
    no_twin = replace(base, name=TWIN, taps=(), default_tap="", role="twin", preprocessing={}, derive=twin)
    return (*variants, no_twin)


def shuffled(base: EncoderSpec) -> EncoderSpec:
    """The tokens of ``base`` in random places, permuted anew in every picture, at no forward of its own."""
    return _of_grids(base, _build_shuffled, base.taps, floor=True)


def time_shuffled(base: EncoderSpec) -> EncoderSpec:
    """The temporal slots of ``base`` in random order, permuted anew in every clip, at no forward of its own."""
    return _of_grids(base, _build_time_shuffled, base.taps, floor=True)


def window_order(base: EncoderSpec) -> EncoderSpec:
    """The tokens of ``base`` in Qwen2.5-VL's window order, taken for raster order: the research documents' slip.

    Meant for grids of patches before the 2 x 2 merging; the published model puts merged tokens back into raster order
    by itself.
    """
    return _of_grids(base, _build_window_order, base.taps, floor=True)


def pooled(base: EncoderSpec, *, side: int) -> EncoderSpec:
    """The tokens of ``base`` averaged over blocks of ``side`` x ``side``: merging, or a grid degraded on purpose."""
    taps = tuple(replace(tap, stride_px=side * tap.stride_px) for tap in base.taps)
    return _of_grids(base, partial(_build_pooled, side), taps, floor=False)


def larger(base: EncoderSpec) -> EncoderSpec:
    """``base`` itself, fed pictures of twice the side: what a sharper grid costs without an enhancer.

    Raises:
        CandidateError: where the model takes one size only.
    """
    if base.fixed_input or base.inputs == "grids":
        reason = f"takes pictures of {base.input_px} px only" if base.fixed_input else "reads another encoder's grids"
        raise CandidateError(f"larger{LARGER}:{base.name} is not on offer: {base.name} {reason}")
    side = LARGER * base.input_px

    def build(request: BuildRequest) -> Encoder:
        return base.build(replace(request, input_px=request.input_px or side))

    return replace(base, build=build, input_px=side, derives_from=base.name, derive=None, expand=None)


def twin(base: EncoderSpec) -> EncoderSpec:
    """The architecture and preprocessing of ``base`` with seeded random weights: what training is worth stands beside.

    Raises:
        CandidateError: where ``base`` has no weights, cannot have random ones, or is a variant itself.
    """
    reason = None
    if base.twin_of is not None:
        reason = f"{base.name} has random weights already"
    elif base.derives_from is not None:
        family = base.name.partition(":")[0]
        reason = f"{base.name} is a variant; write {family}:{TWIN}:{base.derives_from}"
    elif base.params == 0 or base.inputs != "clips":
        reason = f"{base.name} has no weights"
    elif "random" not in base.weights:
        reason = f"{base.name} is on offer with {' or '.join(base.weights)} weights only"
    if reason is not None:
        raise CandidateError(f"{TWIN}:{base.name} is not on offer: {reason}")
    return replace(
        base,
        weights=("random",),
        objective=None,
        repo=None,
        revision=None,
        published=None,
        role="twin",
        twin_of=base.name,
        derive=None,
        expand=None,
    )


def _of_grids(
    base: EncoderSpec, build: Callable[[BuildRequest], Encoder], taps: tuple[TapSpec, ...], *, floor: bool
) -> EncoderSpec:
    """A transform of cached grids: no weights of its own; where it destroys *where*, a control."""
    return EncoderSpec(
        name=base.name,
        build=build,
        taps=taps,
        default_tap=base.default_tap,
        input_px=base.input_px,
        family="control" if floor else base.family,
        weights=("random",),
        size="tiny",
        params=0,
        role="floor" if floor else base.role,
        inputs="grids",
        derives_from=base.name,
    )


def _build_shuffled(request: BuildRequest) -> Encoder:
    from foresight_harness.parts.controls.encoders import Shuffled

    return Shuffled(request.seed)


def _build_time_shuffled(request: BuildRequest) -> Encoder:
    from foresight_harness.parts.controls.encoders import TimeShuffled

    return TimeShuffled(request.seed)


def _build_window_order(request: BuildRequest) -> Encoder:
    from foresight_harness.parts.controls.window_order import WindowOrder

    return WindowOrder()


def _build_pooled(side: int, request: BuildRequest) -> Encoder:
    from foresight_harness.parts.controls.encoders import Pooled

    return Pooled(side)
