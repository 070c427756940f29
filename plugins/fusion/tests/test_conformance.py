"""The fusions keep the harness's contracts. ``qformer_asdrawn``, 52M parameters at any width, has a test of its own."""

from __future__ import annotations

from foresight_harness.testing import FusionConformance


class TestOnTheFirstGrid(FusionConformance):
    """Fusions that keep the first stream's grid."""

    plugin = "fusion"
    modules = ("film", "gated", "dual_stream", "dual_stream_asdrawn")


class TestByQueries(FusionConformance):
    """Fusions by learned queries, which take longer to train: two equal streams, and unequal ones of several frames."""

    plugin = "fusion"
    modules = ("perceiver", "qformer")
    shapes = (FusionConformance.shapes[1], FusionConformance.shapes[3])
