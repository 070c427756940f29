from __future__ import annotations

from foresight_harness.testing import EncoderConformance


class TestDinov2(EncoderConformance):
    plugin = "dinov2"
