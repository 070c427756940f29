"""What plugins hand over: frozen facts and a way to build. Nothing here imports torch."""

from __future__ import annotations

from foresight_harness.contracts.specs.data import DataRequest, DatasetSpec, MetricSpec
from foresight_harness.contracts.specs.grid_shape import GridShape
from foresight_harness.contracts.specs.latent_space import LatentSpace
from foresight_harness.contracts.specs.models import BuildRequest, DecoderSpec, EncoderSpec, TapSpec
from foresight_harness.contracts.specs.modules import EnhancerSpec, ExtractorSpec, FusionSpec
from foresight_harness.contracts.specs.probes import ProbeFacts, ProbeSpec
from foresight_harness.contracts.specs.suites import MetricFacts, SuiteFacts, SuiteSpec
from foresight_harness.contracts.specs.weights import PackageMember, PublishedFile, PublishedWeights

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
    "MetricFacts",
    "MetricSpec",
    "PackageMember",
    "ProbeFacts",
    "ProbeSpec",
    "PublishedFile",
    "PublishedWeights",
    "SuiteFacts",
    "SuiteSpec",
    "TapSpec",
]
