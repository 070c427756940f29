"""Public path: what built parts can do, for the annotations of plugins."""

from __future__ import annotations

from foresight_harness.contracts.probes import Detections, PixelProbe, Probe
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
    PlantsAnswers,
    ReadsStreams,
    Sample,
    TunableDecoder,
)
from foresight_harness.contracts.scoring import ScoredSplit, SuiteCell

__all__ = [
    "ClipFeatures",
    "ConditionedDecoder",
    "Dataset",
    "Decoder",
    "Detections",
    "Encoder",
    "Enhancer",
    "Extractor",
    "FirstFrameDecoder",
    "Fusion",
    "Metric",
    "PixelProbe",
    "PlantsAnswers",
    "Probe",
    "ReadsStreams",
    "Sample",
    "ScoredSplit",
    "SuiteCell",
    "TunableDecoder",
]
