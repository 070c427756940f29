"""Conformance at every tap of the tiny size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foresight_vlm_kit.testing import VlmConformance
from torch import nn


class TestQwen25VL(VlmConformance):
    plugin = "qwen2_5_vl"
    encoders = ("qwen2_5_vl_tiny",)
    # At 224x224 px the last tokens of the random language model answer to a corner less than earlier ones do.
    sizes = ((224, 336), (336, 224), (140, 196), (196, 196))
    order_aware_taps = ("llm.*",)
    aliases = {"pre_merge": "block.03"}  # noqa: RUF012
    runs = {  # noqa: RUF012
        ("patch_embed",): (0, 0),
        ("block.01", "patch_embed"): (2, 0),
        ("pre_merge",): (4, 0),
        ("post_merge",): (4, 0),
        ("llm.01", "block.00"): (4, 1),
    }
    repos = {f"qwen2_5_vl_{size.lower()}": f"Qwen/Qwen2.5-VL-{size}-Instruct" for size in ("3B", "7B", "32B", "72B")}  # noqa: RUF012
    too_large = ("qwen2_5_vl_72b", "visual) needs 2.6 GiB")
    too_deep = ("qwen2_5_vl_72b", 4, "visual")

    def tower_blocks(self, encoder: Any) -> Sequence[nn.Module]:
        return list(encoder.tower.blocks)
