"""Public path: what built parts can do, for the annotations of plugins."""

from __future__ import annotations

from foresight_harness.contracts.protocols import (
    ClipFeatures,
    ConditionedDecoder,
    Dataset,
    Decoder,
    Encoder,
    Enhancer,
    Extractor,
    FirstFrameDecoder,
    Fusion,
    Metric,
    Sample,
)

__all__ = [
    "ClipFeatures",
    "ConditionedDecoder",
    "Dataset",
    "Decoder",
    "Encoder",
    "Enhancer",
    "Extractor",
    "FirstFrameDecoder",
    "Fusion",
    "Metric",
    "Sample",
]
