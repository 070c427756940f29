from __future__ import annotations

from foresight_harness import BuildRequest, EncoderSpec
from foresight_harness.surface.conformance import encoder_checks
from foresight_harness.testing import EncoderConformance


class TestDinov2(EncoderConformance):
    plugin = "dinov2"
    encoders = ("dinov2_tiny", "dinov2_tiny_reg")


class TestNano(EncoderConformance):
    plugin = "dinov2"
    encoders = ("dinov2_nano",)
    request = BuildRequest(weights="nano")

    def test_norms_are_the_declared_ones(self, spec: EncoderSpec) -> None:
        """At the start: the check tells a norm by unit gains, which training moves."""
        encoder_checks.check_norms(spec.build(BuildRequest()), spec)
