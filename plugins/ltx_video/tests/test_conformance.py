"""The harness's conformance kit on the tiny decoder."""

from __future__ import annotations

import torch
from foresight_harness import DecoderSpec
from foresight_harness.parts.checks.pictures import random_clips, touch_cell
from foresight_harness.testing import DecoderConformance
from torch import Tensor
from torch.nn import functional as F

CELLS = (8, 8)


class TestLTXVideo(DecoderConformance):
    plugin = "ltx_video"

    @torch.no_grad()
    def test_a_place_stays_that_place(self, spec: DecoderSpec) -> None:
        """One latent cell of this architecture reaches more than 12 x 12 cells, so the kit's 3 x 4 grid is all border.

        On 8 x 8 cells the middle of the answer lies on the touched side, rows and columns apart.
        """
        decoder = self.build(spec)
        clips = random_clips((8 * spec.latent_space.stride_px,) * 2, seed=1)
        latents = decoder.encode(clips)
        pixels = decoder.decode(latents)
        for row, col in ((0, 7), (7, 0), (0, 0), (7, 7)):
            touched = touch_cell(clips[0], (row, col), CELLS).unsqueeze(0)
            answer = (decoder.encode(touched) - latents).norm(dim=-1)[0, 0]
            _require_side(answer, row, col)
            moved = latents.clone()
            moved[:, :, row, col] += latents.std() * torch.randn(
                spec.latent_space.channels, generator=torch.Generator().manual_seed(0)
            )
            change = (decoder.decode(moved) - pixels).abs().mean((0, 1, 2))
            _require_side(F.adaptive_avg_pool2d(change[None, None], CELLS)[0, 0], row, col)


def _require_side(answer: Tensor, row: int, col: int) -> None:
    places = torch.arange(8) - 3.5
    middle = [float((answer.sum(dim) * places).sum() / answer.sum()) for dim in (1, 0)]
    for found, touched in zip(middle, (row, col), strict=True):
        assert abs(found) > 1
        assert (found > 0) == (touched == 7)
