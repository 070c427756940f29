from __future__ import annotations

from typing import ClassVar

from foresight_harness.testing import EncoderConformance


class TestAlexNet(EncoderConformance):
    """LPIPS's trunk with random weights: a token sees 11 px at ``relu1``, 51 at ``relu2``, 99 to 163 deeper (three to
    ten cells), and pools that do not start at the border leave the outermost tokens further inside."""

    plugin = "torchvision"
    encoders = ("alexnet",)
    tolerance_cells: ClassVar[dict[str, int]] = {"relu[134]": 1, "relu[25]": 2}
