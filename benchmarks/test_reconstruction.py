"""What does the decoder make of the conditioning? LPIPS, PSNR, SSIM, edges, between mean picture and round trip."""

from __future__ import annotations

import pytest


@pytest.mark.suite("reconstruction")
def test_reconstruction(foresight_cell) -> None:
    outcomes = foresight_cell.score()
    for outcome in outcomes:
        assert outcome.measurements
