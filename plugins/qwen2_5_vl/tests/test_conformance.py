"""The harness's conformance kit at every tap of the tiny size."""

from __future__ import annotations

from dataclasses import replace

import torch
from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.surface.conformance.encoder_checks import check_finite
from foresight_harness.surface.conformance.pictures import random_clips
from foresight_harness.testing import EncoderConformance


class TestQwen25VL(EncoderConformance):
    plugin = "qwen2_5_vl"
    order_aware_taps = ("llm.*",)

    def test_features_are_finite_and_differ_between_taps(self, spec: EncoderSpec) -> None:
        """``pre_merge`` is left out: it is the last block under the name that the literature uses."""
        check_finite(self.build(spec), replace(spec, taps=tuple(tap for tap in spec.taps if tap.name != "pre_merge")))

    def test_pre_merge_is_the_last_block(self, spec: EncoderSpec) -> None:
        grids = self.build(spec).encode(random_clips((140, 196)), ["pre_merge", "block.03"])
        assert torch.equal(grids["pre_merge"].tokens, grids["block.03"].tokens)
