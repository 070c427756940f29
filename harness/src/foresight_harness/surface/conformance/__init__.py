"""Conformance kits: what a plugin must keep, as test classes to subclass and as plain functions.

Every check comes from a fault that reached users of some published tool: tokens in window order, a class token kept, a
norm applied silently, a wrong mean.
"""

from __future__ import annotations

from foresight_harness.parts.checks.failures import ConformanceError
from foresight_harness.surface.conformance.datasets import DatasetConformance
from foresight_harness.surface.conformance.decoders import DecoderConformance
from foresight_harness.surface.conformance.encoder_facts import assert_published_params
from foresight_harness.surface.conformance.encoders import EncoderConformance
from foresight_harness.surface.conformance.impulse import Impulse, check_impulse, locate_impulse
from foresight_harness.surface.conformance.metrics import MetricConformance
from foresight_harness.surface.conformance.modules import EnhancerConformance, ExtractorConformance, FusionConformance

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
