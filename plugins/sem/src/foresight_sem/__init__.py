"""Spatial enhancement modules as enhancers of the Foresight harness."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from foresight_harness.contracts.hooks import hookimpl
from foresight_harness.contracts.specs import EnhancerSpec, GridShape

from foresight_sem.presets import DESIGNS, DOCUMENT, SOURCE, Design, output_shape

if TYPE_CHECKING:
    from foresight_harness.protocols import Enhancer


@hookimpl
def foresight_enhancers() -> Iterable[EnhancerSpec]:
    """Every design of the document: its parts, its stack, its ablations, and its sketches as drawn."""
    return [
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


def _build(design: Design, shape: GridShape) -> Enhancer:
    from foresight_sem.building import build

    return build(design, shape)
