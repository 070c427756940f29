"""Conformance kits: what a plugin must keep, as test classes to subclass and as plain functions.

Every check comes from a fault that reached users of some published tool: tokens in window order, a class token kept, a
norm applied silently, a wrong mean.
"""

from __future__ import annotations

from foresight_harness.testing.datasets import DatasetConformance
from foresight_harness.testing.decoders import DecoderConformance
from foresight_harness.testing.encoder_facts import assert_published_params
from foresight_harness.testing.encoders import EncoderConformance
from foresight_harness.testing.failures import ConformanceError
from foresight_harness.testing.impulse import Impulse, check_impulse, locate_impulse
from foresight_harness.testing.metrics import MetricConformance
from foresight_harness.testing.modules import EnhancerConformance, ExtractorConformance, FusionConformance

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
