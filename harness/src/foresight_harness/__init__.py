"""The core of the Foresight harness. Importing it imports no torch."""

from __future__ import annotations

from foresight_harness.contracts.errors import (
    CandidateError,
    CheckpointError,
    DataError,
    FitError,
    ForesightError,
    GridError,
    PluginError,
    UsageError,
)
from foresight_harness.contracts.hooks import hookimpl
from foresight_harness.contracts.specs import (
    BuildRequest,
    DataRequest,
    DatasetSpec,
    DecoderSpec,
    EncoderSpec,
    EnhancerSpec,
    ExtractorSpec,
    FusionSpec,
    GridShape,
    LatentSpace,
    MetricSpec,
    TapSpec,
)

__version__ = "0.1.0"

__all__ = [
    "BuildRequest",
    "CandidateError",
    "CheckpointError",
    "DataError",
    "DataRequest",
    "DatasetSpec",
    "DecoderSpec",
    "EncoderSpec",
    "EnhancerSpec",
    "ExtractorSpec",
    "FitError",
    "ForesightError",
    "FusionSpec",
    "GridError",
    "GridShape",
    "LatentSpace",
    "MetricSpec",
    "PluginError",
    "TapSpec",
    "UsageError",
    "hookimpl",
]
