"""Clips with two neighbouring frames exchanged: the same for masks, repeatable, and never the clip itself."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.measuring.extraction.reordered import exchanged, reordered
from foresight_harness.planning.options import DatasetChoice


def test_exactly_two_neighbours_change_places_wherever_they_stand() -> None:
    places = set()
    for number in range(200):
        order = exchanged(9, f"clip-{number}")
        moved = [place for place, frame in enumerate(order) if place != frame]
        assert len(moved) == 2
        assert moved[1] == moved[0] + 1
        places.add(moved[0])
        assert order == exchanged(9, f"clip-{number}")
    assert places == set(range(8))


def test_frames_and_masks_are_exchanged_alike_and_the_fingerprint_says_so(make_bench) -> None:
    split = make_bench(datasets=(DatasetChoice("moving_shapes"),)).splits.decoded(
        DatasetChoice("moving_shapes"), "test"
    )
    turned = reordered(split)
    assert turned.fingerprint != split.fingerprint
    order = exchanged(9, split.labels.ids[3])
    assert torch.equal(turned.take([3])[0], split.take([3])[0][order])
    assert torch.equal(torch.cat(list(turned.batches(7)))[3], split.take([3])[0][order])
    assert torch.equal(turned.labels.foreground[3], split.labels.foreground[3][order])
    masks = torch.cat(list(turned.scene_batches(16)))
    assert torch.equal(masks[3, :, 0] > 0, split.labels.foreground[3][order])


@pytest.mark.usefixtures("few_pictures")
def test_pictures_have_no_order(make_bench) -> None:
    with pytest.raises(DataError, match="clips of 1 frame have no order"):
        reordered(make_bench().splits.decoded(DatasetChoice("shapes"), "test"))
