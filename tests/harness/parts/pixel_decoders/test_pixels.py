from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.errors import GridError
from foresight_harness.parts.pixel_decoders.pixels import PixelSpace


def test_round_trip_loses_nothing() -> None:
    clips = torch.rand(2, 3, 3, 16, 24)
    space = PixelSpace(8)
    latents = space.encode(clips)
    assert latents.shape == (2, 3, 2, 3, 192)
    assert torch.allclose(space.decode(latents), clips, atol=1e-6)


def test_rows_come_before_columns() -> None:
    clips = torch.zeros(1, 1, 3, 16, 16)
    clips[..., :8, 8:] = 1
    cells = PixelSpace(8).encode(clips).mean(-1)[0, 0]
    assert cells.tolist() == [[-1.0, 1.0], [-1.0, -1.0]]


def test_picture_that_does_not_divide_is_refused() -> None:
    with pytest.raises(GridError, match="20x16 px do not divide into cells of 8 px"):
        PixelSpace(8).encode(torch.rand(1, 1, 3, 20, 16))
