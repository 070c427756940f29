"""The harness's contracts of an encoder, at every tap of the tiny preset."""

from __future__ import annotations

from dataclasses import replace

import torch
from foresight_harness import EncoderSpec
from foresight_harness.surface.conformance.encoder_checks import check_finite
from foresight_harness.surface.conformance.pictures import random_clips
from foresight_harness.testing import EncoderConformance


class TestInternVL2(EncoderConformance):
    plugin = "internvl2"

    def test_features_are_finite_and_differ_between_taps(self, spec: EncoderSpec) -> None:
        """``pre_shuffle`` is the last block under its usual name, and the only tap that equals another one."""
        encoder = self.build(spec)
        last = [tap.name for tap in spec.taps if tap.name.startswith("block.")][-1]
        grids = encoder.encode(random_clips((96, 136)), [last, "pre_shuffle"])
        assert torch.equal(grids[last].tokens, grids["pre_shuffle"].tokens)
        check_finite(encoder, replace(spec, taps=tuple(tap for tap in spec.taps if tap.name != last)))
