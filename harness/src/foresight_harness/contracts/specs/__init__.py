"""What plugins hand over: frozen facts and a way to build. Nothing here imports torch."""

from __future__ import annotations

from foresight_harness.contracts.specs.data import DataRequest, DatasetSpec, MetricSpec
from foresight_harness.contracts.specs.grid_shape import GridShape
from foresight_harness.contracts.specs.models import BuildRequest, DecoderSpec, EncoderSpec, LatentSpace, TapSpec
from foresight_harness.contracts.specs.modules import EnhancerSpec, ExtractorSpec, FusionSpec

__all__ = [
    "BuildRequest",
    "DataRequest",
    "DatasetSpec",
    "DecoderSpec",
    "EncoderSpec",
    "EnhancerSpec",
    "ExtractorSpec",
    "FusionSpec",
    "GridShape",
    "LatentSpace",
    "MetricSpec",
    "TapSpec",
]
