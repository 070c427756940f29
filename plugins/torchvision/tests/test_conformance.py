from __future__ import annotations

from typing import ClassVar

from foresight_harness.testing import EncoderConformance


class TestTorchvision(EncoderConformance):
    """The tiny network at every tap. A 3x3 convolution before a pool lets a change show one cell away."""

    plugin = "torchvision"
    tolerance_cells: ClassVar[dict[str, int]] = {}


class TestAlexNet(EncoderConformance):
    """LPIPS's trunk with random weights: windows of 11, 5 and 3 px, and pools that do not start at the border."""

    plugin = "torchvision"
    encoders = ("alexnet",)
    tolerance_cells: ClassVar[dict[str, int]] = {"relu[2345]": 1}
