"""Fusions of several streams for the Foresight harness."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from foresight_harness.contracts.hooks import hookimpl
from foresight_harness.contracts.specs import FusionSpec, GridShape

from foresight_fusion import presets

if TYPE_CHECKING:
    from foresight_harness.protocols import Fusion


@hookimpl
def foresight_fusions() -> Iterable[FusionSpec]:
    """FiLM, gates, the dual-stream adapter, Perceiver and Q-Former; the documents' two modules also as drawn."""
    return [
        FusionSpec(
            "film",
            build=partial(_build, "film"),
            output_shape=partial(presets.first_grid_shape, "film", presets.TWO_OR_MORE, True),
            streams=presets.TWO_OR_MORE,
            trainable=True,
            source=f"{presets.HYBRID_SOURCE}, appendix C.2; FiLM, arXiv 1709.07871",
        ),
        FusionSpec(
            "gated",
            build=partial(_build, "gated"),
            output_shape=partial(presets.first_grid_shape, "gated", presets.TWO_OR_MORE, True),
            streams=presets.TWO_OR_MORE,
            trainable=True,
            source="Gated multimodal units, arXiv 1702.01992",
        ),
        FusionSpec(
            "dual_stream",
            build=partial(_build, "dual_stream"),
            output_shape=partial(presets.first_grid_shape, "dual_stream", presets.EXACTLY_TWO, False),
            streams=presets.EXACTLY_TWO,
            trainable=True,
            claimed_params=presets.DUAL_STREAM_CLAIM,
            claimed_at=presets.SPATIAL_FIRST,
            source=presets.PRE_MERGE_SOURCE,
        ),
        FusionSpec(
            "dual_stream_asdrawn",
            build=partial(_build, "dual_stream_asdrawn"),
            output_shape=presets.drawn_dual_stream_shape,
            streams=presets.EXACTLY_TWO,
            trainable=True,
            claimed_params=presets.DUAL_STREAM_CLAIM,
            claimed_at=presets.SPATIAL_FIRST,
            source=presets.PRE_MERGE_SOURCE,
        ),
        FusionSpec(
            "perceiver",
            build=partial(_build, "perceiver"),
            output_shape=presets.perceiver_shape,
            streams=presets.ONE_OR_MORE,
            trainable=True,
            source=f"{presets.HYBRID_SOURCE}, appendix C.3; Perceiver, arXiv 2103.03206 and 2107.14795",
        ),
        FusionSpec(
            "qformer",
            build=partial(_build, "qformer"),
            output_shape=presets.qformer_shape,
            streams=presets.ONE_OR_MORE,
            trainable=True,
            claimed_params=presets.QFORMER_CLAIM,
            claimed_at=presets.SEMANTIC_FIRST,
            source=f"{presets.HYBRID_SOURCE}, section 1.3; BLIP-2, arXiv 2301.12597",
        ),
        FusionSpec(
            "qformer_asdrawn",
            build=partial(_build, "qformer_asdrawn"),
            output_shape=presets.drawn_qformer_shape,
            streams=presets.EXACTLY_TWO,
            trainable=True,
            claimed_params=presets.QFORMER_CLAIM,
            claimed_at=presets.SEMANTIC_FIRST,
            source=f"{presets.HYBRID_SOURCE}, section 1.3",
        ),
    ]


def _build(name: str, shapes: Sequence[GridShape]) -> Fusion:
    from foresight_fusion.building import build

    return build(name, shapes)
