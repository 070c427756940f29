"""The harness's conformance kit on the tiny decoder."""

from __future__ import annotations

import torch
from foresight_harness import DecoderSpec
from foresight_harness.parts.checks.pictures import random_clips, touch_cell
from foresight_harness.testing import DecoderConformance
from torch import Tensor
from torch.nn import functional as F

SIDE = 16


class TestHunyuanVAE(DecoderConformance):
    plugin = "hunyuan_vae"

    @torch.no_grad()
    def test_a_place_stays_that_place(self, spec: DecoderSpec) -> None:
        """Attention and group norms let every cell answer, so the kit's 3 x 4 grid says little.

        On 16 x 16 cells the middle of the answer lies on the touched side, rows and columns apart.
        """
        decoder = self.build(spec)
        space = decoder.latent_space
        clips = random_clips((space.stride_px * SIDE, space.stride_px * SIDE), seed=1)
        latents = decoder.encode(clips)
        pixels = decoder.decode(latents)
        for row, col in ((0, SIDE - 1), (SIDE - 1, 0), (0, 0), (SIDE - 1, SIDE - 1)):
            touched = touch_cell(clips[0], (row, col), (SIDE, SIDE)).unsqueeze(0)
            _require_side((decoder.encode(touched) - latents).norm(dim=-1)[0, 0], row, col)
            moved = latents.clone()
            noise = torch.randn(space.channels, generator=torch.Generator().manual_seed(0))
            moved[:, :, row, col] += latents.std() * noise
            change = (decoder.decode(moved) - pixels).abs().mean((0, 1, 2))
            _require_side(F.adaptive_avg_pool2d(change[None, None], (SIDE, SIDE))[0, 0], row, col)


def _require_side(answer: Tensor, row: int, col: int) -> None:
    places = torch.arange(SIDE) - (SIDE - 1) / 2
    middle = [float((answer.sum(dim) * places).sum() / answer.sum()) for dim in (1, 0)]
    for found, touched in zip(middle, (row, col), strict=True):
        assert abs(found) > 0.5
        assert (found > 0) == (touched > 0)
