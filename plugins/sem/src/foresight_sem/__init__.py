"""Spatial enhancement modules as enhancers of the Foresight harness."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from foresight_harness.contracts.hooks import hookimpl
from foresight_harness.contracts.specs import EnhancerSpec, GridShape

from foresight_sem.merge_presets import MERGES, Merge, merged_shape
from foresight_sem.merge_presets import SOURCE as MERGE_SOURCE
from foresight_sem.presets import DESIGNS, DOCUMENT, SOURCE, Design, output_shape

if TYPE_CHECKING:
    from foresight_harness.protocols import Enhancer


@hookimpl
def foresight_enhancers() -> Iterable[EnhancerSpec]:
    """Every design of the document (parts, stack, ablations, sketches as drawn), and what may replace a 2x2 merger."""
    designs = [
        EnhancerSpec(
            name=design.name,
            build=partial(_build, design),
            output_shape=partial(output_shape, design),
            trainable=True,
            claimed_params=design.claimed_params,
            claimed_at=DOCUMENT,
            source=SOURCE,
        )
        for design in DESIGNS
    ]
    merges = [
        EnhancerSpec(
            name=merge.name,
            build=partial(_build_merge, merge),
            output_shape=partial(merged_shape, merge),
            trainable=True,
            source=MERGE_SOURCE,
        )
        for merge in MERGES
    ]
    return [*designs, *merges]


def _build(design: Design, shape: GridShape) -> Enhancer:
    from foresight_sem.building import build

    return build(design, shape)


def _build_merge(merge: Merge, shape: GridShape) -> Enhancer:
    from foresight_sem.merging import build_merge

    merged_shape(merge, shape)
    return build_merge(merge, shape.width)
