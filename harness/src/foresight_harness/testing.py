"""Public path: conformance kits, as test classes to subclass and as plain functions."""

from __future__ import annotations

from foresight_harness.surface.conformance import (
    ConformanceError,
    DatasetConformance,
    DecoderConformance,
    EncoderConformance,
    EnhancerConformance,
    ExtractorConformance,
    FusionConformance,
    Impulse,
    MetricConformance,
    assert_published_params,
    check_impulse,
    locate_impulse,
)

__all__ = [
    "ConformanceError",
    "DatasetConformance",
    "DecoderConformance",
    "EncoderConformance",
    "EnhancerConformance",
    "ExtractorConformance",
    "FusionConformance",
    "Impulse",
    "MetricConformance",
    "assert_published_params",
    "check_impulse",
    "locate_impulse",
]
