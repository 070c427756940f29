"""The harness keeps its own contracts: its modules, pixel decoders and data sets pass the kits that plugins pass."""

from __future__ import annotations

from foresight_harness.testing import (
    DatasetConformance,
    DecoderConformance,
    EnhancerConformance,
    ExtractorConformance,
    FusionConformance,
)


class TestExtractors(ExtractorConformance):
    plugin = "foresight_harness.parts.builtin"


class TestEnhancers(EnhancerConformance):
    plugin = "foresight_harness.parts.builtin"


class TestFusions(FusionConformance):
    plugin = "foresight_harness.parts.builtin"


class TestDecoders(DecoderConformance):
    plugin = "foresight_harness.parts.builtin"


class TestDatasets(DatasetConformance):
    plugin = "foresight_harness.parts.builtin"
