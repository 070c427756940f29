from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.errors import GridError
from foresight_harness.grids import TokenGrid
from foresight_harness.measuring.extraction import encode_batch, encode_pictures
from foresight_harness.parts.controls.encoders import Pixels


class Hungry:
    """Runs out of memory on more than two clips."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def encode(self, clips, taps):
        self.batches.append(len(clips))
        if len(clips) > 2:
            raise torch.OutOfMemoryError
        return {tap: TokenGrid(clips.permute(0, 1, 3, 4, 2)) for tap in taps}


def test_out_of_memory_halves_the_batch_and_loses_nothing() -> None:
    encoder = Hungry()
    clips = torch.rand(7, 1, 3, 4, 4)
    grids = encode_batch(encoder, clips, ["a"])
    assert torch.equal(grids["a"].tokens, clips.permute(0, 1, 3, 4, 2))
    assert max(encoder.batches[1:]) < 7


def test_single_picture_that_does_not_fit_is_out_of_memory() -> None:
    class Starved(Hungry):
        def encode(self, clips, taps):
            raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        encode_batch(Starved(), torch.rand(2, 1, 3, 4, 4), ["a"])


def test_unequal_picture_sizes_come_back_in_order() -> None:
    encoder = Pixels(14, 224)
    clips = [torch.rand(1, 3, 64, 96), torch.rand(1, 3, 32, 32), torch.rand(1, 3, 64, 96)]
    found = encode_pictures(encoder, clips, ["patch"])
    for clip, grids in zip(clips, found, strict=True):
        alone = encoder.encode(clip[None], ["patch"])["patch"].tokens[0]
        assert torch.allclose(grids["patch"], alone, atol=1e-6)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({}, "tap 'a' was asked for"),
        ({"a": TokenGrid(torch.rand(1, 1, 2, 2, 3))}, "2 clips went in, 1 grids came back"),
        ({"a": TokenGrid(torch.full((2, 1, 2, 2, 3), torch.nan))}, "24 of 24 feature values are not finite"),
    ],
)
def test_wrong_answer_of_an_encoder_is_refused(answer, message: str) -> None:
    class Wrong:
        def encode(self, clips, taps):
            return answer

    with pytest.raises(GridError, match=message):
        encode_batch(Wrong(), torch.rand(2, 1, 3, 4, 4), ["a"])
