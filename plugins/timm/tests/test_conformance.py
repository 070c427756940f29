from __future__ import annotations

from typing import ClassVar

from foresight_harness.testing import EncoderConformance


class TestTimm(EncoderConformance):
    plugin = "timm"
    tolerance_cells: ClassVar[dict[str, int]] = {"neck": 1}
